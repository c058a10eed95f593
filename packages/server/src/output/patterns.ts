import { RE2JS } from 're2js';

/** Text that is taken out of answers, by class. Linear-time patterns: what comes back is a stranger's. */
const sources: Readonly<Record<string, readonly string[]>> = {
  pii: [
    String.raw`[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}`,
    String.raw`\+[1-9][0-9](?:[ ().-]?[0-9]){6,12}\b`,
    String.raw`\b(?:[0-9][ -]?){13,18}[0-9]\b`,
    String.raw`\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b`,
    String.raw`\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b`,
  ],
  secret: [
    String.raw`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`,
    String.raw`\bgh[pousr]_[A-Za-z0-9]{36,255}\b`,
    String.raw`\bgithub_pat_[A-Za-z0-9_]{22,255}\b`,
    String.raw`\bxox[abprs]-[A-Za-z0-9-]{10,250}\b`,
    String.raw`\bsk-[A-Za-z0-9_-]{20,250}\b`,
    String.raw`\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`,
    String.raw`(?s)-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.{1,}?-----END [A-Z ]{0,40}PRIVATE KEY-----`,
  ],
};

const compiled = new Map(Object.entries(sources).map(([name, patterns]) => [name, patterns.map((pattern) => RE2JS.compile(pattern))]));

/** The text without anything of the given classes; what was there is named, not shown. */
export function redactText(text: string, classes: readonly string[]): string {
  return classes.reduce((left, name) => (compiled.get(name) ?? []).reduce((rest, pattern) => pattern.matcher(rest).replaceAll(`[${name}]`), left), text);
}

/** True when a text has anything of the given classes in it. */
export function mentions(text: string, classes: readonly string[]): boolean {
  return classes.some((name) => (compiled.get(name) ?? []).some((pattern) => pattern.matcher(text).find()));
}
