import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathOf } from '../harness/install.ts'
import type { Setting, Stack } from './contract.ts'

/** nginx as nothing but a proxy: what forwarding costs in C. */
export const nginx: Stack = {
  id: 'nginx',
  name: 'nginx, proxy alone',
  does: 'forwards, knows no tokens',
  gate: false,
  prepare(setting, port) {
    const file = join(setting.folder, 'nginx.conf')
    writeFileSync(file, configuration(setting, port))
    return { program: pathOf('nginx'), args: ['-p', setting.folder, '-e', 'stderr', '-c', file] }
  },
}

function configuration({ tls, upstreamPort, folder }: Setting, port: number): string {
  return `
daemon off;
master_process off;
pid ${join(folder, 'nginx.pid')};
worker_rlimit_nofile 20000;
events { worker_connections 20000; }
http {
  access_log off;
  keepalive_requests 100000000;
  tcp_nodelay on;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${join(folder, kind)};`).join('\n  ')}
  upstream server { server 127.0.0.1:${upstreamPort}; keepalive 512; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port}${tls === undefined ? '' : ' ssl'};
    ${tls === undefined ? '' : `ssl_certificate ${tls.certificate}; ssl_certificate_key ${tls.key};`}
    client_max_body_size 4m;
    client_body_buffer_size 2m;
    location /mcp {
      proxy_pass http://server;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Authorization "";
      proxy_buffering off;
      proxy_read_timeout 600s;
    }
  }
}
`
}
