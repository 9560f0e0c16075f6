// Shared memory: reading the host's file (descriptor 4), dividing and writing our own (descriptor 5).
//
// Regions of our own are handed out first-fit from a sorted list of holes, page by page, and taken back by stream. When all of it
// is free and the file has grown large, it is cut, so one huge reply does not hold memory for ever.

import fs from 'node:fs'

const PAGE_BYTES = 4096
/** What an idle worker keeps of its memory file. */
const KEPT_BYTES_MAX = 8 * 1024 * 1024

export class Arena {
  #incoming
  #outgoing
  #holes = [] // { offset, size }, sorted, never touching each other
  #end = 0
  #taken = new Map() // stream -> [{ offset, size }]

  /** Both are descriptors. */
  constructor(incoming, outgoing) {
    this.#incoming = incoming
    this.#outgoing = outgoing
  }

  /** The bytes that a frame's 16-byte place points at in descriptor 4. */
  load(place) {
    const offset = Number(place.readBigUInt64LE(0))
    const size = Number(place.readBigUInt64LE(8))
    const data = Buffer.allocUnsafe(size)
    let done = 0
    while (done < size) {
      const read = fs.readSync(this.#incoming, data, done, size - done, offset + done)
      if (read === 0) throw new Error('the shared memory is shorter than the frame says')
      done += read
    }
    return data
  }

  /** Writes `data` for `stream` into descriptor 5; returns its place. */
  store(stream, data) {
    const size = Math.ceil(data.length / PAGE_BYTES) * PAGE_BYTES
    const offset = this.#take(size)
    const regions = this.#taken.get(stream)
    if (regions) regions.push({ offset, size })
    else this.#taken.set(stream, [{ offset, size }])
    let done = 0
    while (done < data.length) {
      done += fs.writeSync(this.#outgoing, data, done, data.length - done, offset + done)
    }
    const place = Buffer.allocUnsafe(16)
    place.writeBigUInt64LE(BigInt(offset), 0)
    place.writeBigUInt64LE(BigInt(data.length), 8)
    return place
  }

  /** Takes back every region of `stream`. */
  release(stream) {
    for (const region of this.#taken.get(stream) ?? []) this.#giveBack(region)
    this.#taken.delete(stream)
  }

  #take(size) {
    const index = this.#holes.findIndex((hole) => hole.size >= size)
    if (index >= 0) {
      const hole = this.#holes[index]
      const { offset } = hole
      hole.offset += size
      hole.size -= size
      if (hole.size === 0) this.#holes.splice(index, 1)
      return offset
    }
    const offset = this.#end
    this.#end += size
    return offset
  }

  #giveBack({ offset, size }) {
    this.#holes.push({ offset, size })
    this.#holes.sort((a, b) => a.offset - b.offset)
    const merged = []
    for (const hole of this.#holes) {
      const last = merged.at(-1)
      if (last && last.offset + last.size === hole.offset) last.size += hole.size
      else merged.push(hole)
    }
    const last = merged.at(-1)
    if (last.offset + last.size === this.#end) {
      merged.pop()
      this.#end = last.offset
      if (last.offset === 0 && last.size > KEPT_BYTES_MAX) fs.ftruncateSync(this.#outgoing, KEPT_BYTES_MAX)
    }
    this.#holes = merged
  }
}
