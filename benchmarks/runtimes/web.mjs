// Runs an ONNX file by ONNX Runtime Web, as a browser does, under Node.js: wasm on one thread.
//
//   node web.mjs FOLDER_OF_THE_RUNTIME FILE IMAGES.npy SCORES.npy

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

import { show } from "./shown.mjs";

const [runtime, file, images, scores] = process.argv.slice(2);
const ort = await import(pathToFileURL(`${runtime}/onnxruntime.js`));
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmBinary = readFileSync(`${runtime}/onnxruntime.wasm`);
const session = await ort.InferenceSession.create(readFileSync(file), { executionProviders: ["wasm"] });

await show(images, scores, async (image, shape) => {
  const found = await session.run({ [session.inputNames[0]]: new ort.Tensor("float32", image, shape) });
  return found[session.outputNames[0]].data;
});
