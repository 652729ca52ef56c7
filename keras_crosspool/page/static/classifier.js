// The model in the browser: ONNX Runtime Web on one thread, so that any static server will do.

import * as ort from "./runtime/onnxruntime.js";
import { readSquare } from "./pixels.js";

ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = { wasm: new URL("runtime/onnxruntime.wasm", import.meta.url).href };

export class Classifier {
  /**
   * Loads the model and its record.
   *
   * @param {(done: number, all: number) => void} onProgress told of the bytes of the model
   * @throws {Error} where a file of the page is missing or is not the one of the record
   */
  static async load(onProgress) {
    const record = await (await fetched("model.onnx.json")).json();
    const content = await bytesOf(await fetched(record.file), record.bytes, onProgress);
    const session = await ort.InferenceSession.create(content, { executionProviders: ["wasm"] });
    const classifier = new Classifier(session, record);
    const size = record.model.image_size;
    await classifier.run(new Uint8ClampedArray(size * size * 3)); // the first run is the slowest
    return classifier;
  }

  constructor(session, record) {
    this.session = session;
    this.record = record;
  }

  /**
   * @param {Blob} file an image
   * @returns {Promise<{logits: number[], heatMap: Float32Array, milliseconds: number,
   *   modelMilliseconds: number}>}
   * @throws {DOMException} where the file is no image
   */
  async classify(file) {
    const start = performance.now();
    const square = await readSquare(file, this.record.model.image_size);
    const read = performance.now();
    const found = await this.run(square);
    const end = performance.now();
    return { ...found, milliseconds: end - start, modelMilliseconds: end - read };
  }

  /** The logits and the heat map of a square of RGB bytes. */
  async run(square) {
    const size = this.record.model.image_size;
    const image = new ort.Tensor("float32", Float32Array.from(square), [1, size, size, 3]);
    const { logits, heat_map } = await this.session.run({ image });
    return { logits: [...logits.data], heatMap: heat_map.data };
  }
}

async function fetched(name) {
  // The browser may keep the files of an older page of this address: it asks the server first.
  const answer = await fetch(new URL(name, import.meta.url), { cache: "no-cache" });
  if (!answer.ok) {
    throw new Error(`A file of this page is missing: write the page again. Received: ${name}`);
  }
  return answer;
}

async function bytesOf(answer, size, onProgress) {
  const content = new Uint8Array(size);
  const reader = answer.body.getReader();
  let done = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (done + part.value.length > size) break;
    content.set(part.value, done);
    done += part.value.length;
    onProgress(done, size);
  }
  if (done !== size) {
    throw new Error(
      `The model is not the one of its record: write the page again. Received: ${done} bytes`);
  }
  return content;
}
