// Shows images to a runtime: NumPy files in which they come and the scores go.

import { readFileSync, writeFileSync } from "node:fs";

// The last line of what is refused tells why, as in Python.
process.on("uncaughtException", (error) => {
  console.error(`${error}`.split("\n")[0]);
  process.exit(1);
});

/**
 * Runs images one at a time.
 * @param {string} images - File of uint8 (n, height, width, 3).
 * @param {string} scores - File to write, float32 (n, classes).
 * @param {function} run - From a Float32Array and its shape to an array of scores.
 */
export async function show(images, scores, run) {
  const { shape, bytes } = readNpy(images);
  const size = bytes.length / shape[0];
  const rows = [];
  for (let i = 0; i < shape[0]; i++) {
    const image = Float32Array.from(bytes.subarray(i * size, (i + 1) * size));
    rows.push(Float32Array.from(await run(image, [1, ...shape.slice(1)])));
  }
  writeNpy(scores, rows);
}

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
  writeFileSync(path, Buffer.concat([head, ...rows.map((row) => Buffer.from(row.buffer))]));
}
