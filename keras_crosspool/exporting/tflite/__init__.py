"""TFLite: converter, int8 quantizer, inspection of files, and LiteRT as the runtime."""
