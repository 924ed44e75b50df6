import { join } from 'node:path'
import type { Podman } from './podman.ts'

/** The name that compose.yaml gives to what deploy/Dockerfile builds. */
export const image = 'localhost/portcullis:latest'

const root = join(import.meta.dirname, '../../..')

/** Builds the image as deploy/Dockerfile says. */
export async function buildImage(podman: Podman): Promise<void> {
  // Docker's format, since OCI's has no health check.
  const how = ['--format=docker', '--network=host', '--pull=never']
  await podman('build', ...how, '--file', join(root, 'deploy/Dockerfile'), '--tag', image, root)
}
