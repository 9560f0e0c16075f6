// Puts the handlers of the cases that are for `wasm` into one source: `bundle.mjs CONFORMANCE_FOLDER OUT`. Which one an instance runs, the
// environment variable CASE says. Each keeps its own `module` and `exports`, as in Node.js.
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const [folder, out] = process.argv.slice(2)
const isFor = (name) => JSON.parse(readFileSync(join(folder, name, "case.json"), "utf8")).runtimes.includes("wasm")
const cases = readdirSync(folder).filter((name) => existsSync(join(folder, name, "function.js")) && isFor(name))
const parts = cases.sort().map((name) => {
  const source = readFileSync(join(folder, name, "function.js"), "utf8")
  return `${JSON.stringify(name)}: (module, exports, require, process, console, Buffer, setImmediate) => {\n${source}\n}`
})
writeFileSync(out, `export const cases = {\n${parts.join(",\n")}\n}\n`)
