// The page: takes an image by drop, choice or camera, and shows what the model says of it.

import { answerOf } from "./answer.js";
import { Classifier } from "./classifier.js";
import { drawHeatMap } from "./heat_map.js";
import { uprightImage } from "./upright.js";

const at = (id) => document.getElementById(id);
const inputs = [at("file"), at("camera")];
let classifier = null;
let address = null; // of the image that is shown
let work = Promise.resolve(); // images are read one after the other

function say(text, isAlert = false) {
  at("status").textContent = text;
  at("status").classList.toggle("alert", isAlert);
}

async function start() {
  say("Loading the model");
  classifier = await Classifier.load((done, all) =>
    say(`Loading the model: ${megabytes(done)} of ${megabytes(all)} MB`));
  const { model, parity } = classifier.record;
  at("about").textContent = `${model.name}, ${model.class_names.length} classes.`;
  at("proof").textContent = parity.status === "off"
    ? "The model was not compared with Keras when it was exported."
    : `Compared with Keras on ${parity.images} images: the largest difference of a logit is `
      + `${(100 * parity.max_abs_of_range).toPrecision(2)} % of their range.`;
  inputs.forEach((input) => { input.disabled = false; });
  at("status").removeAttribute("aria-busy"); // from now on screen readers tell what it says
  say("Ready.");
}

const megabytes = (bytes) => (bytes / 1e6).toFixed(0);

async function show(file) {
  say(`Reading ${file.name}`);
  let found;
  try {
    found = await classifier.classify(file);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    say("This browser cannot read the file as an image: choose a JPEG, PNG or WebP file. "
      + `Received: ${file.name}`, true);
    return;
  }
  say(file.name);
  const answer = answerOf(found.logits, classifier.record.model);
  await showImage(file);
  drawHeatMap(at("heat"), found.heatMap);
  showAnswer(answer);
  at("explained").textContent = answer.best;
  at("time").textContent = `${found.milliseconds.toFixed(0)} ms from the file to the answer, `
    + `${found.modelMilliseconds.toFixed(0)} ms of them in the model.`;
  at("result").hidden = false;
  // For scripts around this page: the answer, with the logits and the heat map.
  document.dispatchEvent(new CustomEvent("answer", { detail: { ...found, ...answer } }));
}

async function showImage(file) {
  const image = await uprightImage(file);
  if (address) URL.revokeObjectURL(address);
  address = URL.createObjectURL(image);
  at("image").src = address;
  at("image").alt = file.name;
}

function showAnswer({ refused, best, listed }) {
  const { class_names, task } = classifier.record.model;
  const several = task === "multi_label";
  at("result").classList.toggle("refused", refused);
  if (refused) {
    at("headline").textContent = `None of these ${class_names.length} classes`;
    at("remark").textContent = "The nearest ones:";
  } else if (several) {
    at("headline").textContent = listed.length ? listed.map((x) => x.name).join(", ") : "No label";
    at("remark").textContent = listed.length
      ? "The labels over their thresholds:" : `No label is over its threshold; nearest: ${best}.`;
  } else {
    at("headline").textContent = best;
    at("remark").textContent = "";
  }
  at("scores").replaceChildren(...listed.map(row));
}

function row({ name, probability }) {
  const item = document.createElement("li");
  const [bar, title, share] = ["bar", "name", "share"].map((kind) => {
    const part = document.createElement("span");
    part.className = kind;
    return part;
  });
  bar.style.width = `${100 * probability}%`;
  title.textContent = name;
  share.textContent = `${(100 * probability).toFixed(1)} %`;
  item.append(bar, title, share);
  return item;
}

function take(files) {
  if (!classifier) say("The model is still loading.");
  else if (files.length) work = work.then(() => show(files[0])).catch(fail);
}

function fail(error) {
  at("status").removeAttribute("aria-busy");
  say(error.message, true);
  reportError(error);
}

for (const input of inputs) {
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = ""; // so that the same file can be chosen again
  });
}
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    at("drop").classList.toggle("over", ["dragenter", "dragover"].includes(kind));
    if (kind === "drop") take([...event.dataTransfer.files]);
  });
}
at("show").addEventListener("change", () => { at("heat").hidden = !at("show").checked; });
start().catch(fail);
