import { after, before } from 'node:test'
import { makeBaseImage } from './base-image.ts'
import { buildImage } from './build.ts'
import { testImage } from './image.ts'
import { openPodman, type Podman } from './podman.ts'
import { testPrometheus } from './prometheus.ts'
import { testProxies } from './proxies.ts'

let podman: Podman
before(
  async () => {
    podman = await openPodman()
    await makeBaseImage(podman)
    await buildImage(podman)
  },
  { timeout: 900_000 },
)
after(() => podman.remove())

testPrometheus()
testProxies()
testImage(() => podman)
