// JPEG files as the Python package reads them: the orientation apart from the pixels, no colour
// profile, and a large image at a half, a quarter or an eighth of its size.

const START = 0xffd8, SCAN = 0xda, EXIF = 0xe1;
// JFIF and Adobe: what the colours of the file are.
const KEPT = new Set([0xe0, 0xee]);
const ORIENTATION = 0x0112;

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
    if (marker === EXIF && orientation === 1) orientation = orientationOf(segment.subarray(4));
    if (marker < 0xe0 || marker > 0xef || KEPT.has(marker)) parts.push(segment);
    at += segment.length;
  }
  parts.push(bytes.subarray(at));
  return { bytes: parts, orientation };
}

/** The orientation from 1, upright, to 8, of an Exif segment; 1 where it says none. */
function orientationOf(segment) {
  try {
    if (String.fromCharCode(...segment.subarray(0, 4)) !== "Exif") return 1;
    const view = new DataView(segment.buffer, segment.byteOffset + 6, segment.length - 6);
    const little = view.getUint16(0) === 0x4949;
    const table = view.getUint32(4, little);
    for (let i = 0; i < view.getUint16(table, little); i++) {
      const entry = table + 2 + 12 * i;
      if (view.getUint16(entry, little) === ORIENTATION) return view.getUint16(entry + 8, little);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // damaged metadata: only the turn is lost
  }
  return 1;
}

/** The part of its size at which a JPEG of that size is decoded for a square: 1, 2, 4 or 8. */
export function decodingFactor(width, height, size) {
  const most = Math.min(Math.floor(width / size), Math.floor(height / size));
  return [8, 4, 2].find((factor) => most >= factor) ?? 1;
}
