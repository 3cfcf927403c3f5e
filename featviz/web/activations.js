// Activations by name, each as TensorFlow and Keras compute it; their numbers can be changed.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  // S. Klambauer et al. 2017, Self-Normalizing Neural Networks, equation 14.
  const SELU_ALPHA = 1.6732632423543772;
  const SELU_SCALE = 1.0507009873554805;
  const CALL = /^\s*([A-Za-z_]\w*)\s*(?:\(([^()]*)\))?\s*$/;

  const relu = (x) => (x > 0 || Number.isNaN(x) ? x : 0);
  const sigmoid = (x) => 1 / (1 + Math.exp(-x));
  const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  const between = (x, low, high) => Math.min(Math.max(x, low), high);

  /** erf as its series of positive terms. */
  function erfSeries(x) {
    let [term, sum] = [x, x];
    for (let n = 1; term > sum * 1e-17; n += 1) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return (2 * Math.exp(-x * x) * sum) / Math.sqrt(Math.PI);
  }

  // erf and its slope at every 1/128 up to 6, from where on it is 1 in float64.
  const STEPS = 128;
  const NODES = Float64Array.from({ length: 6 * STEPS + 1 }, (_, at) => erfSeries(at / STEPS));
  const SLOPES = NODES.map((_, at) => (2 / Math.sqrt(Math.PI)) * Math.exp(-((at / STEPS) ** 2)));

  /** erf by four terms of Taylor's series around the nearest node, true to 1e-12. */
  function erf(x) {
    const size = Math.abs(x);
    if (!(size < 6)) return Math.sign(x);
    const at = Math.round(size * STEPS);
    const c = at / STEPS;
    const h = size - c;
    const bend = 1 + h * (-c + h * ((2 * c * c - 1) / 3 + (h * c * (3 - 2 * c * c)) / 6));
    return Math.sign(x) * (NODES[at] + SLOPES[at] * h * bend);
  }

  /** relu with the numbers that Keras gives it. */
  function fullRelu(x, { negative_slope: slope, max_value: most, threshold }) {
    if (Number.isNaN(x)) return x;
    let kept = x > threshold ? x : 0;
    if (threshold === 0) kept = Math.max(x, 0);
    if (most !== null) kept = between(kept, 0, most);
    return slope === 0 ? kept : kept - slope * Math.max(threshold - x, 0);
  }

  const ACTIVATIONS = [
    ["relu", { negative_slope: 0, max_value: null, threshold: 0 }, fullRelu],
    ["leaky_relu", { negative_slope: 0.2 }, (x, a) => (x > 0 ? x : a.negative_slope * x)],
    ["elu", { alpha: 1 }, (x, a) => (x > 0 ? x : a.alpha * Math.expm1(x))],
    ["selu", {}, (x) => SELU_SCALE * (x > 0 ? x : SELU_ALPHA * Math.expm1(x))],
    ["celu", { alpha: 1 }, (x, a) => Math.max(x, 0) + a.alpha * Math.expm1(Math.min(x, 0) / a.alpha)],
    ["gelu", {}, (x) => (x === -Infinity ? 0 : (x / 2) * (1 + erf(x / Math.SQRT2)))],
    ["silu", {}, (x) => x * sigmoid(x)],
    ["mish", {}, (x) => x * Math.tanh(softplus(x))],
    ["softplus", {}, softplus],
    ["softsign", {}, (x) => x / (1 + Math.abs(x))],
    ["exponential", {}, Math.exp],
    ["sigmoid", {}, sigmoid],
    ["hard_sigmoid", {}, (x) => between(x + 3, 0, 6) / 6],
    ["tanh", {}, Math.tanh],
    ["relu6", {}, (x) => between(x, 0, 6)],
    ["linear", {}, (x) => x],
  ];

  /**
   * Name → {defaults, apply(x, numbers)}, in the order of the menu. A Map, so that no name of
   * Object's own ("constructor") is taken for an activation.
   */
  featviz.activations = new Map(
    ACTIVATIONS.map(([name, defaults, apply]) => [name, { defaults, apply }]),
  );

  /**
   * An activation from text: "relu", "leaky_relu(0.1)", "leaky_relu(negative_slope=0.1)".
   * @returns {{name: string, numbers: Object}} with every number it takes.
   * @throws {Error} a sentence.
   */
  featviz.parseActivation = function (text) {
    const names = [...featviz.activations.keys()];
    const found = typeof text === "string" && text.length <= 300 ? CALL.exec(text) : null;
    if (!found || !featviz.activations.has(found[1])) {
      const known = names.map((name) => `'${name}'`).join(", ");
      const also = ", or a call such as 'leaky_relu(0.1)'";
      throw new Error(`activation must be one of ${known}${also}; got ${featviz.shown(text)}`);
    }
    const name = found[1];
    const { defaults } = featviz.activations.get(name);
    const numbers = readArguments(found[2] ?? "", name, defaults, text);
    if (name === "celu" && numbers.alpha === 0) {
      throw new Error("alpha of celu must be a number other than 0; got 0");
    }
    return { name, numbers };
  };

  function readArguments(words, name, defaults, text) {
    const keys = Object.keys(defaults);
    const numbers = { ...defaults };
    const given = new Set();
    const parts = words.trim() === "" ? [] : words.replace(/,\s*$/, "").split(",");
    const rule = `${name} must be called as ${signatureText(name, defaults)}`;
    let named = false;
    parts.forEach((part, index) => {
      const pair = part.split("=").map((word) => word.trim());
      named = named || pair.length === 2;
      const key = pair.length === 2 ? pair[0] : named ? undefined : keys[index];
      if (pair.length > 2 || !keys.includes(key) || given.has(key)) {
        throw new Error(`${rule}; got ${featviz.shown(text)}`);
      }
      given.add(key);
      const nothing = pair.at(-1) === "None" && defaults[key] === null;
      numbers[key] = nothing ? null : featviz.parseNumber(pair.at(-1), `${key} of ${name}`);
    });
    return numbers;
  }

  function signatureText(name, defaults) {
    const parts = Object.entries(defaults).map(([key, value]) => `${key}=${value ?? "None"}`);
    return `${name}(${parts.join(", ")})`;
  }

  /** The activation in words, its numbers stated: "leaky_relu(negative_slope=0.2)". */
  featviz.describeActivation = function ({ name, numbers }) {
    const { defaults } = featviz.activations.get(name);
    const stated = Object.keys(defaults).filter(
      (key) => numbers[key] !== null && (numbers[key] !== 0 || defaults[key] !== 0),
    );
    const parts = stated.map((key) => `${key}=${shortest(numbers[key])}`);
    return parts.length ? `${name}(${parts.join(", ")})` : name;
  };

  /** Six digits where they are all, else as many as it takes to read the same number again. */
  function shortest(number) {
    const text = featviz.formatNumber(number);
    return Number(text) === number ? text : String(number);
  }

  /**
   * Apply an activation to a whole map.
   * @param {Float32Array} values
   * @param {{name, numbers}} activation from parseActivation.
   * @returns {Float32Array} a new one, of the same length.
   */
  featviz.activate = function (values, { name, numbers }) {
    const result = new Float32Array(values.length);
    if (name === "linear") {
      result.set(values);
    } else if (name === "relu" && plainRelu(numbers)) {
      for (let at = 0; at < values.length; at += 1) result[at] = relu(values[at]);
    } else {
      const { apply } = featviz.activations.get(name);
      for (let at = 0; at < values.length; at += 1) result[at] = apply(values[at], numbers);
    }
    return result;
  };

  const plainRelu = (numbers) =>
    numbers.negative_slope === 0 && numbers.max_value === null && numbers.threshold === 0;
})();
