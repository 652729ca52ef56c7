// The image that the page shows: upright, as the model sees it. Every browser turns a JPEG by its
// orientation; not every one turns a PNG or WebP.

import { plainChunks } from "./chunks.js";

const LARGEST = 1600; // pixels of the longer side: phones limit a canvas
// From a pixel of the file, `w` wide and `h` high, to where it is shown; see `setTransform`.
const MATRICES = {
  2: (w) => [-1, 0, 0, 1, w, 0],
  3: (w, h) => [-1, 0, 0, -1, w, h],
  4: (_, h) => [1, 0, 0, -1, 0, h],
  5: () => [0, 1, 1, 0, 0, 0],
  6: (_, h) => [0, 1, -1, 0, h, 0],
  7: (w, h) => [0, -1, -1, 0, h, w],
  8: (w) => [0, -1, 1, 0, 0, w],
};

/**
 * @param {Blob} file an image that the browser can decode
 * @returns {Promise<Blob>} the file itself, or a turned image where the browser may not turn it
 */
export async function uprightImage(file) {
  const plain = plainChunks(new Uint8Array(await file.arrayBuffer()));
  const matrix = plain && MATRICES[plain.orientation];
  if (!matrix) return file;
  const bitmap = await createImageBitmap(new Blob(plain.bytes));
  try {
    return await turnedImage(bitmap, matrix, plain.orientation >= 5);
  } finally {
    bitmap.close();
  }
}

function turnedImage(bitmap, matrix, isOnItsSide) {
  const { width, height } = bitmap;
  const scale = Math.min(1, LARGEST / Math.max(width, height));
  const sides = [width, height].map((side) => Math.round(scale * side));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = isOnItsSide ? [...sides].reverse() : sides;
  const context = canvas.getContext("2d");
  context.setTransform(...matrix(...sides));
  context.drawImage(bitmap, 0, 0, ...sides);
  return new Promise((resolve) => canvas.toBlob(resolve));
}
