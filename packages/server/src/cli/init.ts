import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { FlyballError } from '@flyball/protocol';
import { configFile } from '../config.js';

const files: Readonly<Record<string, string>> = {
  [configFile]: `# Flyball. Paths are relative to this file.
bundle: bundle
data: .flyball
machines: { host: 127.0.0.1, port: 7600 }
administrators: { host: 127.0.0.1, port: 7601 }
identity:
  local: true # tokens of \`flyball token\` are accepted; leave it out once an identity provider is configured
upstreams: {}
  # files:
  #   command: [npx, -y, "@modelcontextprotocol/server-filesystem", /some/folder]
  # crm:
  #   url: http://127.0.0.1:9000/mcp
`,
  'bundle/catalogue.yaml': `# What may be done at all. A call that no entry matches is unknown, and denied.
actions: []
  # - name: files.read
  #   tier: inspect
  #   reversible: true
  #   automation: constrained
  #   reads: [internal]
  #   match: { upstream: files, name: read_text_file }
`,
  'bundle/identities.yaml': `# Who may act. Status, expiry and groups are looked at before every action.
identities:
  - id: first-agent
    kind: agent
    autonomy: autonomous
    owner: you
    purpose: trying Flyball
    groups: [agents]
`,
  'bundle/people.yaml': `# Who may agree to what waits.
people: []
`,
  'bundle/policies/basics.cedar': `// Nothing is allowed that no policy permits.

@id("agents-see-what-is-there")
@reason("agents may connect and list what they could use")
permit (principal in Group::"agents", action in Action::"mcp-protocol", resource);
`,
};

/** Writes a configuration and a bundle to begin with. Overwrites nothing. */
export function init(directory: string, out: (line: string) => void): void {
  const root = resolve(directory);
  const there = Object.keys(files).find((file) => existsSync(join(root, file)));
  if (there !== undefined) throw new FlyballError('usage', `\`${join(root, there)}\` is there already; nothing was written`);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text, { flag: 'wx' });
    out(`wrote ${join(root, file)}`);
  }
  out('next: name an upstream in flyball.yaml and its actions in bundle/catalogue.yaml, then run `flyball policy check` and `flyball up`');
}
