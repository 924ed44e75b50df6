import { tenantSettings } from '../../src/config/schema/tenant-schema.ts'
import { jsonSchema, listSettings, type Setting } from '../../src/config/settings.ts'

/** docs/portcullis.schema.json, for editors: the JSON Schema of the configuration file. */
export function renderSchema(): string {
  return `${JSON.stringify(jsonSchema(), null, 2)}\n`
}

/** The settings that a tenant shares with an installation. */
const theirs = { ...tenantSettings, limits: true }

/** docs/configuration.md, generated from the schema. */
export function renderReference(): string {
  return `# Configuration

<!-- Made by \`npm run docs\` from src/config/schema.ts; a test fails when the two differ. -->

All settings can be given in a YAML file (\`portcullis serve -c portcullis.yaml\`). A setting that has a variable can
also come from the environment, which overrides the file; flags override both. Unknown settings are refused, and all
problems are reported at once: \`portcullis check -c portcullis.yaml\`.

\`\`\`yaml
# yaml-language-server: $schema=docs/portcullis.schema.json
mode: production
publicUrl: https://mcp.example.com
upstreams:
  - { name: files, path: /mcp, url: http://127.0.0.1:9000/mcp }
\`\`\`

In the environment, items of a list are separated by commas. \`[]\` marks a list of objects, whose settings can only
be given in the file. So that the file holds no secrets, some settings may name an environment variable instead
(\`$NAME\`): the secrets of clients, of providers, of issuers and of the \`credential\` of a server; \`token\` and \`url\`
of a sink of the audit; and \`secret\`, \`store.url\`, \`listen.metricsToken\`, \`registration.initialAccessToken\`,
\`limits.redis\` and \`traces.authorization\`.
In place of any variable, one with the suffix \`_FILE\` can name a file that holds the value, such as
\`PORTCULLIS_SECRET_FILE\`.

| setting | type | default | variable | meaning |
|---|---|---|---|---|
${listSettings()
  .filter(({ path: [list, , setting = ''] }) => list !== 'tenants' || !(setting in theirs))
  .map(renderRow)
  .join('\n')}

Each of \`tenants\` ([tenants.md](tenants.md)) also takes ${Object.keys(theirs)
    .map((name) => `\`${name}\``)
    .join(', ')},
with the same meaning and defaults, for that tenant only. \`limits.headerBytes\`, \`limits.headSeconds\` and
\`limits.requestSeconds\` apply to all tenants.
`
}

function renderRow(setting: Setting): string {
  const type =
    setting.values === undefined
      ? (setting.range ?? setting.type)
      : setting.values.map((value) => `\`${String(value)}\``).join(', ')
  const fallback = setting.fallback === undefined ? '' : `\`${renderDefault(setting.fallback)}\``
  const variable = setting.variable === undefined ? '' : `\`${setting.variable}\``
  const path = setting.path.join('.').replaceAll('.[]', '[]')
  return `| \`${path}\` | ${type} | ${fallback} | ${variable} | ${setting.description} |`
}

function renderDefault(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '[]' : value.join(' ')
  return typeof value === 'string' ? value : JSON.stringify(value)
}
