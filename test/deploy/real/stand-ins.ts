import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { baseImage } from './base-image.ts'
import type { Podman } from './podman.ts'

/** Does what the entry point of Docker's image of PostgreSQL does for the variables of compose.yaml. */
const postgresEntry = `#!/bin/bash
set -e
data=/var/lib/postgresql/data
bin=$(echo /usr/lib/postgresql/*/bin)
if [ "$(id -u)" = 0 ]; then
  chown postgres "$data" && chmod 700 "$data"
  install -o postgres -m 600 "$POSTGRES_PASSWORD_FILE" /tmp/password
  exec setpriv --reuid postgres --regid postgres --init-groups "$0"
fi
if [ ! -e "$data/PG_VERSION" ]; then
  "$bin/initdb" -D "$data" -U "$POSTGRES_USER" --pwfile=/tmp/password --auth-host=scram-sha-256 -E UTF8 -N
  echo 'host all all all scram-sha-256' >> "$data/pg_hba.conf"
  "$bin/pg_ctl" -D "$data" -w -o '-c listen_addresses=' start
  createdb -h /var/run/postgresql -U "$POSTGRES_USER" "$POSTGRES_DB" || [ "$POSTGRES_USER" = "$POSTGRES_DB" ]
  "$bin/pg_ctl" -D "$data" -w stop
fi
exec "$bin/postgres" -D "$data" -c 'listen_addresses=*'
`

const containerfile = `FROM ${baseImage} AS programs
RUN printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d \\
  && mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \\
  && apt-get update -qq \\
  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql redis-server caddy prometheus
FROM programs AS postgres
COPY postgres-entry /usr/local/bin/
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["postgres-entry"]
CMD []
FROM programs AS redis
CMD ["redis-server"]
FROM programs AS caddy
ENV XDG_DATA_HOME=/data XDG_CONFIG_HOME=/config
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
FROM programs AS prometheus
RUN install -d -o nobody -g nogroup /prometheus
USER nobody
VOLUME /prometheus
ENTRYPOINT ["prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
`

/** Makes images of Debian's programs under the names by which compose.yaml asks for Docker's. */
export async function makeStandIns(podman: Podman, names: readonly string[]): Promise<void> {
  const context = join(podman.home, 'stand-ins')
  mkdirSync(context)
  writeFileSync(join(context, 'Containerfile'), containerfile)
  writeFileSync(join(context, 'postgres-entry'), postgresEntry, { mode: 0o755 })
  for (const name of names) {
    const target = /([a-z]+):[^:]+$/.exec(name)?.[1] ?? name
    const tag = name.includes('/') ? `docker.io/${name}` : `docker.io/library/${name}`
    await podman('build', '--network=host', '--pull=never', '--target', target, '-t', tag, context)
  }
}
