import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { icon } from '../../http/icon.ts'
import { assetPath } from '../../http/page.ts'
import { sendOnceScript } from '../../http/send-once-script.ts'
import { stylesheet } from '../../http/stylesheet.ts'
import { dashboardScript } from './dashboard-script.ts'
import { dashboardStylesheet } from './dashboard-stylesheet.ts'

/** A file that pages of the dashboard load. */
export interface Asset {
  readonly path: string
  readonly type: string
  readonly content: string
}

const charts = dirname(fileURLToPath(import.meta.resolve('uplot')))

function asset(extension: string, type: string, content: string): Asset {
  return { path: assetPath(content, extension), type: `${type}; charset=utf-8`, content }
}

/** All assets of the dashboard. */
export const assets = {
  style: asset('css', 'text/css', stylesheet + dashboardStylesheet),
  chartStyle: asset('css', 'text/css', readFileSync(join(charts, 'uPlot.min.css'), 'utf8')),
  sendOnce: asset('js', 'text/javascript', sendOnceScript),
  charts: asset('js', 'text/javascript', readFileSync(join(charts, 'uPlot.iife.min.js'), 'utf8')),
  script: asset('js', 'text/javascript', dashboardScript),
  icon: asset('svg', 'image/svg+xml', icon),
} as const
