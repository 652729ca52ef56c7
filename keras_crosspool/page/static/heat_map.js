// Draws a heat map: orange where the image speaks for the class, blue where it speaks against it.

const FOR = [232, 89, 12];
const AGAINST = [28, 126, 214];
const STRONGEST = 190; // of 255, so that the image shows through

/**
 * @param {HTMLCanvasElement} canvas stretched over the image
 * @param {Float32Array} values of a square, row by row
 */
export function drawHeatMap(canvas, values) {
  const side = Math.sqrt(values.length);
  const most = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
  const image = new ImageData(side, side);
  values.forEach((value, i) => {
    image.data.set(value > 0 ? FOR : AGAINST, 4 * i);
    image.data[4 * i + 3] = (STRONGEST * Math.abs(value)) / most;
  });
  canvas.width = canvas.height = side;
  canvas.getContext("2d").putImageData(image, 0, 0);
}
