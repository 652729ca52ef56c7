// From an image file to the square that the model sees, as the Python package reads images: the
// whole image, squeezed, upright, on white where it is transparent.

import { plainChunks } from "./chunks.js";
import { decodingFactor, plainJpeg } from "./jpeg.js";
import { boxMeans, resizeColumns, resizeRows } from "./resize.js";

const BAND = 256; // rows that are read at once; a multiple of every decoding factor
// The row and the column of the pixel that comes to (y, x), of the last row and column `n`.
const TURNS = {
  2: (y, x, n) => [y, n - x],
  3: (y, x, n) => [n - y, n - x],
  4: (y, x, n) => [n - y, x],
  5: (y, x) => [x, y],
  6: (y, x, n) => [n - x, y],
  7: (y, x, n) => [n - x, n - y],
  8: (y, x, n) => [x, n - y],
};

/**
 * @param {Blob} file an image that the browser can decode
 * @param {number} size side of the square
 * @returns {Promise<Uint8ClampedArray>} RGB, `size` times `size`, row by row
 * @throws {DOMException} where the file is no image
 */
export async function readSquare(file, size) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const jpeg = plainJpeg(bytes);
  const plain = jpeg ?? plainChunks(bytes);
  const encoded = plain ? new Blob(plain.bytes) : file;
  const bitmap = await createImageBitmap(encoded, { colorSpaceConversion: "none" });
  try {
    const factor = jpeg ? decodingFactor(bitmap.width, bitmap.height, size) : 1;
    const { pixels, rows } = narrowed(bitmap, size, factor);
    return turned(resizeColumns(pixels, size, rows, size), size, plain?.orientation ?? 1);
  } finally {
    bitmap.close();
  }
}

/** The image at its final width, band by band: phones limit a canvas to few megapixels. */
function narrowed(bitmap, size, factor) {
  const { width, height } = bitmap;
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = Math.min(BAND, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const rows = Math.ceil(height / factor);
  const pixels = new Uint8ClampedArray(size * rows * 3);
  for (let top = 0; top < height; top += BAND) {
    const count = Math.min(BAND, height - top);
    context.fillStyle = "white";
    context.fillRect(0, 0, width, count);
    context.drawImage(bitmap, 0, top, width, count, 0, 0, width, count);
    const band = boxMeans(context.getImageData(0, 0, width, count).data, width, count, factor);
    const lines = Math.ceil(count / factor);
    const narrow = resizeRows(band, Math.ceil(width / factor), lines, size);
    pixels.set(narrow, size * (top / factor) * 3);
  }
  return { pixels, rows };
}

/** A square turned upright, by its orientation from 1 to 8. */
export function turned(square, size, orientation) {
  const source = TURNS[orientation];
  if (!source) return square;
  const upright = new Uint8ClampedArray(square.length);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [row, column] = source(y, x, size - 1);
      const from = (row * size + column) * 3;
      upright.set(square.subarray(from, from + 3), (y * size + x) * 3);
    }
  }
  return upright;
}
