// JPEG files as the Python package reads them: the orientation apart from the pixels, no colour
// profile, and a large image at a half, a quarter or an eighth of its size.

import { hasExifPrefix, orientationOf } from "./exif.js";

const START = 0xffd8, SCAN = 0xda, EXIF = 0xe1;
// JFIF and Adobe: what the colours of the file are.
const KEPT = new Set([0xe0, 0xee]);

/**
 * @param {Uint8Array} bytes of any file
 * @returns {{bytes: Uint8Array[], orientation: number} | null} the parts of a JPEG file without
 *   its metadata, and how it is turned; `null` for other files
 */
export function plainJpeg(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint16(0) !== START) return null;
  const parts = [bytes.subarray(0, 2)];
  let at = 2, orientation = 1;
  while (at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== SCAN) {
    const marker = bytes[at + 1];
    if (marker === 0xff) { // a byte that fills up
      at += 1;
      continue;
    }
    const segment = bytes.subarray(at, at + 2 + view.getUint16(at + 2));
    const block = segment.subarray(4);
    if (marker === EXIF && orientation === 1 && hasExifPrefix(block)) orientation = orientationOf(block);
    if (marker < 0xe0 || marker > 0xef || KEPT.has(marker)) parts.push(segment);
    at += segment.length;
  }
  parts.push(bytes.subarray(at));
  return { bytes: parts, orientation };
}

/** The part of its size at which a JPEG of that size is decoded for a square: 1, 2, 4 or 8. */
export function decodingFactor(width, height, size) {
  const most = Math.min(Math.floor(width / size), Math.floor(height / size));
  return [8, 4, 2].find((factor) => most >= factor) ?? 1;
}
