// The orientation in an Exif block.

const ORIENTATION = 0x0112;
const PREFIX = "Exif\0\0";

/** Whether bytes begin as an Exif segment of a JPEG file does. */
export function hasExifPrefix(bytes) {
  return String.fromCharCode(...bytes.subarray(0, PREFIX.length)) === PREFIX;
}

/**
 * @param {Uint8Array} block with or without the prefix that it has in JPEG files
 * @returns {number} from 1, upright, to 8; 1 where it says none
 */
export function orientationOf(block) {
  const exif = hasExifPrefix(block) ? block.subarray(PREFIX.length) : block;
  try {
    const view = new DataView(exif.buffer, exif.byteOffset, exif.length);
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
