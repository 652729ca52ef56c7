// PNG and WebP files with the orientation apart from the pixels: not every browser applies it.

import { orientationOf } from "./exif.js";

const PNG = 0x89504e47, RIFF = 0x52494646, WEBP = 0x57454250;
const PNG_EXIF = 0x65584966, WEBP_EXIF = 0x45584946;

/**
 * @param {Uint8Array} bytes of any file
 * @returns {{bytes: Uint8Array[], orientation: number} | null} the parts of a PNG or WebP file
 *   without its Exif block, and how it is turned; `null` for other files
 */
export function plainChunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12) return null;
  if (view.getUint32(0) === PNG) return plainPng(bytes, view);
  return view.getUint32(0) === RIFF && view.getUint32(8) === WEBP ? plainWebp(bytes, view) : null;
}

function plainPng(bytes, view) {
  const parts = [bytes.subarray(0, 8)];
  let at = 8, orientation = 1;
  while (at + 8 <= bytes.length) {
    const chunk = bytes.subarray(at, at + 12 + view.getUint32(at));
    if (view.getUint32(at + 4) === PNG_EXIF) orientation = orientationOf(chunk.subarray(8));
    else parts.push(chunk);
    at += chunk.length;
  }
  return { bytes: parts, orientation };
}

function plainWebp(bytes, view) {
  const copy = bytes.slice();
  let at = 12, orientation = 1;
  while (at + 8 <= bytes.length) {
    const size = view.getUint32(at + 4, true);
    if (view.getUint32(at) === WEBP_EXIF) {
      orientation = orientationOf(bytes.subarray(at + 8, at + 8 + size));
      copy.set([0x73, 0x6b, 0x69, 0x70], at); // a name that no reader knows keeps every size
    }
    at += 8 + size + (size % 2);
  }
  return { bytes: [copy], orientation };
}
