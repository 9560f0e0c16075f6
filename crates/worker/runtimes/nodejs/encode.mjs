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
