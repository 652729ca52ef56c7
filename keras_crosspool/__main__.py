"""`python -m keras_crosspool VERB ...` is the command `crosspool VERB ...`."""

from keras_crosspool.cli import main

if __name__ == "__main__":
    main()
