import { isAlias, isMap, isNode, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';

export interface YamlFault {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export type YamlResult<T> = { readonly value: T; readonly lineOf: (path: readonly PropertyKey[]) => number } | { readonly faults: readonly YamlFault[] };

/** Parses YAML 1.2 and checks its shape; every fault has its line. Aliases are refused: a few lines of them make gigabytes. */
export function parseYaml<T>(text: string, schema: z.ZodType<T>): YamlResult<T> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, maxAliasCount: 0 } as Parameters<typeof parseDocument>[1]);
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0) return { faults: broken.map((error) => ({ ...at(error.pos[0]), message: error.message.split('\n')[0] ?? 'not YAML' })) };
  if (hasAlias(document.contents)) return { faults: [{ line: 1, column: 1, message: 'expected no aliases (`*name`)' }] };
  const offsetOf = (path: readonly PropertyKey[]) => offset(document, path);
  const checked = schema.safeParse(document.toJS());
  if (checked.success) return { value: checked.data, lineOf: (path) => at(offsetOf(path)).line };
  return { faults: checked.error.issues.map((issue) => ({ ...at(offsetOf(issue.path)), message: `${issue.path.map(String).join('.') || 'document'}: ${issue.message}` })) };
}

/** Where the deepest part of the path that exists begins. */
function offset(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length) as (string | number)[], true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

function hasAlias(node: unknown): boolean {
  if (isAlias(node)) return true;
  if (isSeq(node)) return node.items.some(hasAlias);
  if (isMap(node)) return node.items.some((pair) => hasAlias(pair.key) || hasAlias(pair.value));
  return false;
}
