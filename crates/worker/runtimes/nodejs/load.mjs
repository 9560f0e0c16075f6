// Finding and loading the function that HELLO names.
//
// `handler` is `file:export`, `file`, `export` or empty. What is left out is looked for: the file among those of the
// directory, the export among the module's own names. A missing export is waited for while the module still has something
// under way, at most 10 s, so that modules may set themselves up asynchronously.

import fs from 'node:fs'
import module from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { setTimeout as pause } from 'node:timers/promises'
import { HandlerNotFound } from './failure.mjs'

const EXTENSIONS = ['.js', '.mjs', '.cjs']
const FILES = ['main', 'handler', 'index', 'function', 'app']
const EXPORTS = ['handler', 'main']
const NOT_HANDLERS = new Set(['initContext', 'init_context', 'default'])
const POLL_MS = 25
const WAIT_MS_MAX = 10_000

/** Takes on the environment, directory and module paths of HELLO. */
export function enter(hello) {
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, hello.env ?? {})
  process.chdir(hello.directory)
  const folders = moduleFolders(hello.paths ?? [])
  if (folders.length === 0) return
  const own = process.env.NODE_PATH
  process.env.NODE_PATH = [...folders, ...(own ? [own] : [])].join(path.delimiter)
  module.Module._initPaths()
  if (own === undefined) delete process.env.NODE_PATH
  else process.env.NODE_PATH = own
}

/** `{ exports, fn, name }`. Throws `HandlerNotFound` and whatever loading the module throws. */
export async function load(hello) {
  const { directory } = hello
  const name = hello.function ?? ''
  let [file, wanted] = splitHandler(hello.handler ?? '', directory)
  file = file === '' ? findFile(directory, name) : fileOf(directory, file)
  if (file === null) {
    throw new HandlerNotFound(`the package has no file ${hello.handler.split(':')[0]}; set handler to <file>:<function>`)
  }
  const exports = await loadModule(path.join(directory, file), hello.paths ?? [])
  const deadline = Date.now() + WAIT_MS_MAX
  for (;;) {
    const found = find(exports, wanted, name)
    if (found) return { exports: holderOf(exports), ...found }
    if (Date.now() > deadline || !(await somethingUnderWay())) throw notFound(exports, file, wanted)
  }
}

/** Whether the module waits for something; gives it a moment to come. */
async function somethingUnderWay() {
  const count = () => process.getActiveResourcesInfo?.().filter((kind) => kind !== 'PipeWrap' && kind !== 'TTYWrap').length ?? 1
  await pause(0)
  if (count() === 0) return false
  await pause(POLL_MS)
  return true
}

function moduleFolders(paths) {
  return paths.flatMap((folder) => {
    const inner = path.join(folder, 'node_modules')
    return path.basename(folder) !== 'node_modules' && fs.existsSync(inner) ? [inner, folder] : [folder]
  })
}

function splitHandler(handler, directory) {
  const colon = handler.indexOf(':')
  if (colon >= 0) return [handler.slice(0, colon), handler.slice(colon + 1)]
  if (handler === '' || fileOf(directory, handler) !== null) return [handler, '']
  return ['', handler]
}

function fileOf(directory, name) {
  const candidates = [name, ...EXTENSIONS.map((extension) => name + extension), path.join(name, 'index.js')]
  return candidates.find((file) => fs.statSync(path.join(directory, file), { throwIfNoEntry: false })?.isFile()) ?? null
}

function findFile(directory, name) {
  const found = fs.readdirSync(directory).filter((file) => EXTENSIONS.includes(path.extname(file)) && !file.startsWith('.')).sort()
  if (found.length === 1) return found[0]
  const manifest = path.join(directory, 'package.json')
  if (fs.existsSync(manifest)) {
    const { main } = JSON.parse(fs.readFileSync(manifest, 'utf8'))
    const file = main && fileOf(directory, main)
    if (file) return file
  }
  for (const candidate of [...FILES, name]) {
    const file = found.find((entry) => path.parse(entry).name === candidate)
    if (file) return file
  }
  if (found.length === 0) {
    throw new HandlerNotFound('the package has no .js, .mjs or .cjs file at its root; set handler to <file>:<function>')
  }
  throw new HandlerNotFound(`several files could hold the handler (${found.join(', ')}); set handler to <file>:<function>`)
}

async function loadModule(file, paths) {
  const url = pathToFileURL(file).href
  if (file.endsWith('.mjs') || (file.endsWith('.js') && isModulePackage(file))) {
    registerHooks(paths, null)
    return import(url)
  }
  try {
    return module.createRequire(url)(file)
  } catch (error) {
    if (error?.code === 'ERR_REQUIRE_ESM' || error?.code === 'ERR_REQUIRE_ASYNC_MODULE') {
      registerHooks(paths, null)
      return import(url)
    }
    if (error instanceof SyntaxError && /import statement outside|Unexpected token 'export'/.test(error.message)) {
      registerHooks(paths, url)
      return import(url)
    }
    throw error
  }
}

function isModulePackage(file) {
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const manifest = path.join(folder, 'package.json')
    if (fs.existsSync(manifest)) return JSON.parse(fs.readFileSync(manifest, 'utf8')).type === 'module'
    if (folder === path.dirname(folder)) return false
  }
}

/** Lets `import` find packages in `paths`, and takes `moduleUrl` for a module whatever its extension says. */
function registerHooks(paths, moduleUrl) {
  const bases = moduleFolders(paths)
    .filter((folder) => path.basename(folder) === 'node_modules')
    .map((folder) => pathToFileURL(path.join(path.dirname(folder), 'package.js')).href)
  if ((bases.length === 0 && moduleUrl === null) || !module.register) return
  module.register('./hooks.mjs', { parentURL: import.meta.url, data: { bases, moduleUrl } })
}

/** The object whose members are the exports: of a CommonJS module that was imported, its default. */
function holderOf(exports) {
  const inner = exports.default
  return inner !== null && typeof inner === 'object' && typeof exports.handler !== 'function' ? { ...exports, ...inner } : exports
}

function find(exports, wanted, functionName) {
  const holder = holderOf(exports)
  const named = (name) => (typeof holder[name] === 'function' ? { fn: holder[name], name } : null)
  if (wanted) return named(wanted)
  const camel = functionName.replace(/[-_](.)/g, (_, letter) => letter.toUpperCase())
  for (const name of [...EXPORTS, functionName, functionName.replaceAll('-', '_'), camel]) {
    const found = Object.hasOwn(holder, name) && named(name)
    if (found) return found
  }
  if (typeof exports === 'function') return { fn: exports, name: exports.name }
  if (typeof exports.default === 'function') return { fn: exports.default, name: exports.default.name }
  const names = functionNames(holder)
  return names.length === 1 ? named(names[0]) : null
}

function functionNames(holder) {
  return Object.keys(holder).filter((name) => typeof holder[name] === 'function' && !NOT_HANDLERS.has(name))
}

function notFound(exports, file, wanted) {
  const names = functionNames(holderOf(exports))
  const found = names.length ? `it exports ${names.join(', ')}` : 'it exports no function'
  const base = path.parse(file).name
  return new HandlerNotFound(
    wanted
      ? `${file} has no export ${wanted}; ${found}; set handler to ${base}:<function>`
      : `no function to run in ${file}: ${found}; name it handler or main, or set handler to ${base}:<function>`,
  )
}
