// The durable state of one call: decoded on first use, and handed back when its JSON has changed.

import { encodeExactly } from './encode.mjs'

const WHAT = 'context.state'

export class State {
  #stored
  #value
  #isUsed = false

  /** `stored` is the JSON text that the call begins with, empty or undefined when there is none. */
  constructor(stored) {
    this.#stored = stored?.length ? stored : null
  }

  /** The value; an empty object when none is stored. Whoever gets it may change it in place. */
  get() {
    if (!this.#isUsed) {
      this.#value = this.#before()
      this.#isUsed = true
    }
    return this.#value
  }

  /** Puts `value` in its place. */
  set(value) {
    this.#value = value
    this.#isUsed = true
  }

  /** The new JSON text as bytes, or null when it is the same. Throws TypeError when the value is no JSON. */
  changed() {
    if (!this.#isUsed) return null
    const text = Buffer.from(encodeExactly(this.#value, WHAT))
    if (this.#stored?.equals(text)) return null
    // Others may have written the same value in other words.
    return text.equals(Buffer.from(JSON.stringify(this.#before()))) ? null : text
  }

  #before() {
    return this.#stored === null ? {} : JSON.parse(this.#stored.toString())
  }
}
