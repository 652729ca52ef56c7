// Runs an ONNX file by ONNX Runtime Web, as a browser does, under Node.js: wasm on one thread.
//
//   node web.mjs FOLDER_OF_THE_RUNTIME FILE IMAGES.npy SCORES.npy

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [runtime, file, images, scores] = process.argv.slice(2);
const ort = await import(pathToFileURL(`${runtime}/onnxruntime.js`));
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmBinary = readFileSync(`${runtime}/onnxruntime.wasm`);
const session = await ort.InferenceSession.create(readFileSync(file), { executionProviders: ["wasm"] });

const [name] = session.inputNames;
const { shape, bytes } = readNpy(images);
const size = bytes.length / shape[0];
const rows = [];
for (let i = 0; i < shape[0]; i++) {
  const image = Float32Array.from(bytes.subarray(i * size, (i + 1) * size));
  const found = await session.run({ [name]: new ort.Tensor("float32", image, [1, ...shape.slice(1)]) });
  rows.push(found[session.outputNames[0]].data);
}
writeNpy(scores, rows);

/** The shape and the bytes of a NumPy file of uint8. */
function readNpy(path) {
  const content = readFileSync(path);
  const start = 10 + content.readUInt16LE(8);
  const header = content.toString("latin1", 10, start);
  const shape = header.match(/'shape': \(([^)]*)\)/)[1].split(",").filter((x) => x.trim()).map(Number);
  return { shape, bytes: content.subarray(start) };
}

/** Writes rows of float32 as a NumPy file. */
function writeNpy(path, rows) {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows.length}, ${rows[0].length}), }`;
  const header = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11) + "\n";
  const head = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${header}`, "latin1");
  head.writeUInt16LE(header.length, 8);
  writeFileSync(path, Buffer.concat([head, ...rows.map((row) => Buffer.from(Float32Array.from(row).buffer))]));
}
