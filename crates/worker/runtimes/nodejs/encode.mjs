// Values to JSON, with errors a person understands.

/** `value` as JSON text; what JSON has no word for at the top (undefined, a function) is null. Throws TypeError. */
export function encodeJson(value) {
  try {
    return JSON.stringify(value) ?? 'null'
  } catch (error) {
    if (error instanceof RangeError || /circular/i.test(error.message)) {
      throw new TypeError('the result refers to itself or is nested too deep, which JSON cannot express')
    }
    throw error
  }
}

/** `value`, called `what` in errors, as JSON text that reads back as the same value. Throws TypeError. */
export function encodeExactly(value, what) {
  const refuse = (held) => {
    throw new TypeError(`${what} holds ${held}, which JSON cannot express`)
  }
  const check = (_key, item) => {
    const kind = typeof item
    if (kind === 'number' && !Number.isFinite(item)) refuse('NaN or an infinity')
    if (kind === 'function' || kind === 'symbol' || kind === 'bigint') refuse(`a ${kind}`)
    if (kind === 'object' && item !== null && !Array.isArray(item)) {
      const prototype = Object.getPrototypeOf(item)
      // An object of a class would come back without its class; a Map or a Set would come back empty.
      if (prototype !== null && Object.getPrototypeOf(prototype) !== null) refuse(`a ${item.constructor?.name || 'class instance'}`)
    }
    return item
  }
  let text
  try {
    text = JSON.stringify(value, check)
  } catch (error) {
    if (error instanceof RangeError) throw new TypeError(`${what} is nested too deep for JSON`)
    if (/circular/i.test(error.message)) throw new TypeError(`${what} refers to itself, which JSON cannot express`)
    throw error
  }
  return text ?? refuse('undefined')
}
