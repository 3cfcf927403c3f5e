// Numbers as text and text as numbers, by the rules of featviz.exact and featviz.kernel_rows.
"use strict";
(() => {
  const featviz = (globalThis.featviz ??= {});
  const PLAIN = /^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)$/;
  const RATIO = /^([+-]?[0-9]+)\/([0-9]+)$/;
  const FLOAT = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i;
  const ENDLESS = /^[+-]?(inf|infinity|nan)$/i;
  const LONGEST_TEXT = 300;
  const LONGEST_SHOWN = 60;
  const LARGEST_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;
  const SMALLEST_FLOAT32 = 2 ** -126;
  // As in featviz.exact, where these bounds are explained.
  const LARGEST_DENOMINATOR = 256;
  const LARGEST_NUMERATOR = 9999;
  const LARGEST_CHANCE = 2 ** -15;
  const LARGEST_COMMON_CHANCE = 2 ** -12;
  const COMMON_DENOMINATORS = [256, 255, 36, 159];
  const DECIMAL_POWER = 10 ** 8;

  /**
   * A value as Python's repr writes it: arrays as tuples, null as None.
   * @param {*} value plain JSON.
   * @returns {string}
   */
  featviz.pythonText = function (value) {
    if (value === null || value === undefined) return "None";
    if (value === true) return "True";
    if (value === false) return "False";
    if (typeof value === "number") return numberRepr(value);
    if (typeof value === "string") return stringRepr(value);
    if (Array.isArray(value)) {
      return "(" + value.map(featviz.pythonText).join(", ") + (value.length === 1 ? ",)" : ")");
    }
    return "a value of another kind";
  };

  function stringRepr(text) {
    const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
    const escaped = text.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/\r/g, "\\r");
    return quote + (quote === "'" ? escaped.replace(/'/g, "\\'") : escaped) + quote;
  }

  function numberRepr(number) {
    if (Number.isNaN(number)) return "nan";
    if (!Number.isFinite(number)) return number > 0 ? "inf" : "-inf";
    if (Number.isInteger(number) && Math.abs(number) < 1e16) return String(number);
    return String(number).replace(/e([+-])(\d)$/, "e$10$2");
  }

  /** A value for an error sentence, at most 60 characters. */
  featviz.shown = function (value) {
    let text;
    try {
      text = featviz.pythonText(value).replace(/\s+/g, " ");
    } catch {
      return "a value too large to show"; // nested too deep
    }
    return text.length <= LONGEST_SHOWN ? text : text.slice(0, LONGEST_SHOWN - 1) + "…";
  };

  /** Sizes as a person writes them: [3, 2] becomes "3×2". */
  featviz.sizeText = (sizes) => sizes.join("×");

  /**
   * The number that a text stands for: "2", "-0.5", "1/9", "2e-1", "−1".
   * @param {string} text
   * @param {string} where how an error sentence calls the place.
   * @returns {number} finite, within the range of float32.
   * @throws {Error} a sentence.
   */
  featviz.parseNumber = function (text, where = "kernel") {
    const word = String(text).slice(0, LONGEST_TEXT + 1).trim().replace(/−/g, "-");
    const ratio = RATIO.exec(word);
    const known = word.length <= LONGEST_TEXT && (PLAIN.test(word) || FLOAT.test(word));
    let number;
    if (ratio && word.length <= LONGEST_TEXT && Number(ratio[2]) !== 0) {
      number = quotient(BigInt(ratio[1]), BigInt(ratio[2]));
    } else if (known || ENDLESS.test(word)) {
      number = known ? Number(word) : Infinity;
    } else {
      throw new Error(`${where} must hold numbers like 2, -0.5 or 1/9; got ${featviz.shown(text)}`);
    }
    return featviz.checkedNumber(number === 0 ? 0 : number, where, text);
  };

  /** The number, refused when it is not finite or beyond float32. */
  featviz.checkedNumber = function (number, where, given = number) {
    if (typeof number !== "number" || !Number.isFinite(number)) {
      throw new Error(`${where} must hold finite numbers; got ${featviz.shown(given)}`);
    }
    if (Math.abs(number) > LARGEST_FLOAT32) {
      throw new Error(
        `${where} must hold numbers of float32, up to 3.4e+38; got ${featviz.shown(given)}`,
      );
    }
    return number;
  };

  /** The float nearest to p / q, also where p and q are longer than floats are exact. */
  function quotient(p, q) {
    const exact = 2n ** 53n;
    if (p < exact && -p < exact && q < exact) return Number(p) / Number(q);
    const longest = Math.max(String(p).length, String(q).length);
    const scaled = (p * 10n ** BigInt(longest + 25)) / q;
    return Number(`${scaled}e-${longest + 25}`);
  }

  /**
   * A number as cells print it, exactly as featviz.exact.exact_text prints a float.
   * @param {number} value any float, NaN and infinity too.
   * @param {number} digits significant digits, 1 to 17.
   * @returns {string} with "-" for minus; without trailing zeros; never "-0".
   */
  featviz.formatNumber = function (value, digits = 6) {
    if (Number.isNaN(value)) return "nan";
    if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
    if (value === 0) return "0";
    const [whole, exponent] = rounded(Math.abs(value), digits);
    const sign = value < 0 ? "-" : "";
    if (exponent >= digits && Math.abs(value) < 1e15) return sign + nearestWhole(Math.abs(value));
    return sign + placed(whole, exponent, digits);
  };

  /** Digits and exponent of a positive float, rounded half to even as Python does. */
  function rounded(value, digits) {
    const [mantissa, power] = value.toExponential(60).split("e");
    const all = mantissa.replace(".", "");
    let kept = BigInt(all.slice(0, digits));
    const rest = all.slice(digits);
    const half = "5".padEnd(rest.length, "0");
    if (rest > half || (rest === half && kept % 2n === 1n)) kept += 1n;
    const text = String(kept);
    const carried = text.length > digits;
    return [carried ? text.slice(0, digits) : text, Number(power) + (carried ? 1 : 0)];
  }

  function nearestWhole(value) {
    const below = Math.floor(value);
    const rest = value - below;
    return String(rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below);
  }

  /** The digits with their point, as %g of C places it. */
  function placed(digits, exponent, precision) {
    const bare = (text) => text.replace(/\.?0+$/, "");
    if (exponent < -4 || exponent >= precision) {
      const mantissa = digits.length > 1 ? bare(`${digits[0]}.${digits.slice(1)}`) : digits;
      const size = String(Math.abs(exponent)).padStart(2, "0");
      return `${mantissa}e${exponent < 0 ? "-" : "+"}${size}`;
    }
    if (exponent < 0) return bare(`0.${"0".repeat(-exponent - 1)}${digits}`);
    if (exponent + 1 >= digits.length) return digits;
    return bare(`${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`);
  }

  /**
   * What a computed number is, as featviz.exact.exact_number finds it.
   * @param {number} value any float.
   * @returns {{p: number, q: number}|number} a fraction with q > 1, or a number.
   */
  featviz.exactNumber = function (value) {
    const size = Math.abs(value);
    if (Number.isInteger(value) && size <= 2 ** 53) return value === 0 ? 0 : value;
    if (!(size >= SMALLEST_FLOAT32 && size <= LARGEST_FLOAT32)) return value;
    const sign = value < 0 ? -1 : 1;
    const fraction = likelyFraction(size);
    if (fraction) return { p: sign * fraction[0], q: fraction[1] };
    return Math.fround(size) === size ? sign * shortestDecimal(size) : value;
  };

  /**
   * The text of a computed number: "7", "14/9", "0.123457".
   * @param {number} value any float.
   * @param {number} digits significant digits of a decimal.
   * @param {number} denominator the largest that is printed as a fraction.
   */
  featviz.exactText = function (value, digits = 6, denominator = LARGEST_DENOMINATOR) {
    const found = featviz.exactNumber(value);
    if (typeof found === "number") {
      // Beyond, Python has a float too, and prints it as one.
      return Number.isInteger(found) && Math.abs(value) <= 2 ** 53
        ? String(found) : featviz.formatNumber(found, digits);
    }
    return found.q <= denominator
      ? `${found.p}/${found.q}` : featviz.formatNumber(found.p / found.q, digits);
  };

  /** The simple fraction that a positive float which is not whole stands for, or null. */
  function likelyFraction(size) {
    const single = Math.fround(size) === size;
    const exponent = exponentOf(size);
    const step = 2 ** (exponent - (single ? 23 : 52));
    const [p, q] = simplestAround(size, step);
    if (q < 2 || q > LARGEST_DENOMINATOR || p > LARGEST_NUMERATOR) return null;
    if (byChance(q, DECIMAL_POWER % q === 0 ? 2 ** (exponent - 23) : step)) return null;
    return (single ? Math.fround(p / q) : p / q) === size ? [p, q] : null;
  }

  function byChance(q, step) {
    if (COMMON_DENOMINATORS.some((common) => common % q === 0))
      return q * step > LARGEST_COMMON_CHANCE;
    return q * q * step > LARGEST_CHANCE;
  }

  /** The whole e with 2**e <= value < 2**(e + 1). */
  function exponentOf(value) {
    let exponent = Math.floor(Math.log2(value));
    while (2 ** exponent > value) exponent -= 1;
    while (2 ** (exponent + 1) <= value) exponent += 1;
    return exponent;
  }

  function ratioOf(value) {
    let below = 1n;
    while (!Number.isInteger(value)) {
      value *= 2;
      below *= 2n;
    }
    return [BigInt(value), below];
  }

  /** The fraction of smallest denominator within half a step, by continued fractions. */
  function simplestAround(value, step) {
    // Neither end needs to be a float: both are made of whole numbers.
    const [over, below] = ratioOf(value);
    const [half, halfBelow] = ratioOf(step / 2);
    const under = below * halfBelow;
    let [low, lowBelow] = [over * halfBelow - half * below, under];
    let [high, highBelow] = [over * halfBelow + half * below, under];
    let [beforeP, p, beforeQ, q] = [0n, 1n, 1n, 0n];
    while (q <= LARGEST_DENOMINATOR) {
      const [whole, lowRest] = [low / lowBelow, low % lowBelow];
      const [upper, highRest] = [high / highBelow, high % highBelow];
      const between = lowRest === 0n || whole < upper;
      const term = whole + (lowRest !== 0n && between ? 1n : 0n);
      [beforeP, p, beforeQ, q] = [p, term * p + beforeP, q, term * q + beforeQ];
      if (between) break;
      [low, lowBelow, high, highBelow] = [highBelow, highRest, lowBelow, lowRest];
    }
    return [Number(p), Number(q)];
  }

  function shortestDecimal(nearest) {
    for (const digits of [6, 7, 8]) {
      const decimal = decimalOf(nearest, digits);
      if (decimal > LARGEST_FLOAT32 || Math.fround(decimal) !== nearest) continue;
      if (featviz.formatNumber(decimal) === featviz.formatNumber(nearest)) return decimal;
    }
    return decimalOf(nearest, 9);
  }

  function decimalOf(value, digits) {
    const [whole, exponent] = rounded(value, digits);
    return Number(`${whole}e${exponent - digits + 1}`);
  }
})();
