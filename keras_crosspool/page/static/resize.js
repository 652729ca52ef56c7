// Resizing of RGB bytes, value for value as Pillow does it. A canvas resizes otherwise.

const BITS = 22;
const CHANNELS = 3;

/**
 * The means of boxes of `factor` times `factor` pixels, as JPEG is decoded at a part of its size.
 * At the right and lower edge the last pixels count again.
 *
 * @param {Uint8ClampedArray} pixels RGBA
 * @returns {Uint8ClampedArray} RGB of `ceil(width / factor)` times `ceil(height / factor)` pixels
 */
export function boxMeans(pixels, width, height, factor) {
  const columns = Math.ceil(width / factor), rows = Math.ceil(height / factor);
  const sums = new Uint32Array(columns * rows * CHANNELS);
  for (let y = 0; y < rows * factor; y++) {
    const line = Math.min(y, height - 1) * width;
    const target = Math.floor(y / factor) * columns;
    for (let x = 0; x < columns * factor; x++) {
      const from = (line + Math.min(x, width - 1)) * 4;
      const to = (target + Math.floor(x / factor)) * CHANNELS;
      for (let c = 0; c < CHANNELS; c++) sums[to + c] += pixels[from + c];
    }
  }
  return Uint8ClampedArray.from(sums, (sum) => sum / factor ** 2);
}

/**
 * The weights of a bilinear, antialiased mean: whole numbers of 22 bits, so that the sums are exact.
 *
 * @param {number} from how many values there are along an axis
 * @param {number} to how many there will be
 * @returns {{start: number, weights: number[]}[]} what each value is made of
 */
function mixtures(from, to) {
  const scale = from / to;
  const reach = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - reach + 0.5));
    const stop = Math.min(from, Math.trunc(centre + reach + 0.5));
    const raw = Array.from({ length: stop - start }, (_, k) =>
      Math.max(0, 1 - Math.abs((start + k - centre + 0.5) / reach)));
    const sum = raw.reduce((a, b) => a + b, 0);
    return { start, weights: raw.map((w) => Math.floor(0.5 + (w / sum) * 2 ** BITS)) };
  });
}

/** Resizes each row of RGB bytes to `to` pixels. */
export function resizeRows(pixels, width, rows, to) {
  const resized = new Uint8ClampedArray(to * rows * CHANNELS);
  const mixed = mixtures(width, to);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < to; x++) {
      mix(pixels, y * width, 1, mixed[x], resized, y * to + x);
    }
  }
  return resized;
}

/** Resizes each column of RGB bytes to `to` pixels. */
export function resizeColumns(pixels, width, rows, to) {
  const resized = new Uint8ClampedArray(width * to * CHANNELS);
  const mixed = mixtures(rows, to);
  for (let y = 0; y < to; y++) {
    for (let x = 0; x < width; x++) {
      mix(pixels, x, width, mixed[y], resized, y * width + x);
    }
  }
  return resized;
}

function mix(pixels, offset, step, { start, weights }, target, at) {
  let red = 2 ** (BITS - 1), green = red, blue = red;
  for (let k = 0, i = (offset + start * step) * CHANNELS; k < weights.length; k++) {
    red += pixels[i] * weights[k];
    green += pixels[i + 1] * weights[k];
    blue += pixels[i + 2] * weights[k];
    i += step * CHANNELS;
  }
  target[at * CHANNELS] = red >> BITS;
  target[at * CHANNELS + 1] = green >> BITS;
  target[at * CHANNELS + 2] = blue >> BITS;
}
