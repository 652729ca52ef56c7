// What the model says of an image, by its logits: the same words as `crosspool predict`.

export const TOP = 5;

// How much an image looks like one of the classes; higher is more.
export const CONFIDENCES = {
  max_logit: (logits) => Math.max(...logits),
  margin: (logits) => {
    const [best, second] = [...logits].sort((a, b) => b - a);
    return best - second;
  },
  energy: (logits) => {
    const most = Math.max(...logits);
    return most + Math.log(logits.reduce((sum, x) => sum + Math.exp(x - most), 0));
  },
  probability: (logits) => Math.max(...softmax(logits)),
};

/**
 * @param {number[]} logits
 * @param {object} model of the record: class_names, task, thresholds, rejection
 * @returns {{refused: boolean, best: string, listed: {name: string, probability: number}[]}} the
 *   five best classes, or of several labels an image those over their thresholds
 */
export function answerOf(logits, model) {
  const several = model.task === "multi_label";
  const probabilities = several ? logits.map((x) => 1 / (1 + Math.exp(-x))) : softmax(logits);
  const order = logits.map((_, i) => i).sort((a, b) => logits[b] - logits[a] || a - b);
  const rejection = model.rejection;
  const shown = several
    ? order.filter((i) => probabilities[i] >= (model.thresholds?.[i] ?? 0.5))
    : order.slice(0, TOP);
  return {
    refused: Boolean(rejection)
      && CONFIDENCES[rejection.confidence](logits) < rejection.threshold,
    best: model.class_names[order[0]],
    listed: shown.map((i) => ({ name: model.class_names[i], probability: probabilities[i] })),
  };
}

function softmax(logits) {
  const most = Math.max(...logits);
  const parts = logits.map((x) => Math.exp(x - most));
  const sum = parts.reduce((a, b) => a + b, 0);
  return parts.map((x) => x / sum);
}
