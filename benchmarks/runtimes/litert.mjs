// Runs a TFLite file by LiteRT.js, as a web worker does, under Node.js: wasm on one thread.
//
//   node litert.mjs FOLDER_OF_NODE_MODULES FILE IMAGES.npy SCORES.npy

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { runInThisContext } from "node:vm";

import { show } from "./shown.mjs";

const [modules, file, images, scores] = process.argv.slice(2);
const core = `${modules}/@litertjs/core`;
// What a worker has, and what the wasm loader asks Node.js for.
globalThis.self = globalThis;
globalThis.importScripts = (path) => runInThisContext(readFileSync(path, "utf8"), { filename: path });
globalThis.require = createRequire(import.meta.url);
globalThis.__dirname = `${core}/wasm`;

const { loadAndCompile, loadLiteRt, Tensor } = await import(pathToFileURL(`${core}/dist/index.js`));
await loadLiteRt(`${core}/wasm/`);
const model = await loadAndCompile(new Uint8Array(readFileSync(file)), { accelerator: "wasm" });

await show(images, scores, async (image, shape) => {
  const [found] = await model.run([new Tensor(image, shape)]);
  return found.data();
});
