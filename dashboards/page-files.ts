import { existsSync, readFileSync } from 'node:fs'
import type { PageFile } from '../proxy/ops/page.ts'

/** What a browser asks for, and where it lies: the page as it is written, and what esbuild makes of its sources. */
const FILES = [
  { path: '/', file: 'page/index.html', type: 'text/html; charset=utf-8' },
  { path: '/page/icon.svg', file: 'page/icon.svg', type: 'image/svg+xml' },
  { path: '/page/main.js', file: 'page/built/main.js', type: 'text/javascript; charset=utf-8' },
  { path: '/page/page.css', file: 'page/built/page.css', type: 'text/css; charset=utf-8' },
] as const

/** The live page; nothing of it if it was not built, as in a clone whose `npm ci` ran no scripts. */
export function readPageFiles(): readonly PageFile[] {
  const files = FILES.map(({ path, file, type }) => ({ path, type, place: new URL(file, import.meta.url) }))
  if (!files.every(({ place }) => existsSync(place))) return []
  return files.map(({ path, type, place }) => ({ path, type, body: readFileSync(place) }))
}
