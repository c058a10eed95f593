const identifier = '(?!(?:true|false|if|then|else|in|is|like|has|__cedar)(?![_a-zA-Z0-9]))[_a-zA-Z][_a-zA-Z0-9]*';
const identifierPattern = new RegExp(`^${identifier}$`);
const namePattern = new RegExp(`^${identifier}(?:::${identifier})*$`);

/** A word that an attribute can have in Cedar text without quotes. */
export const isIdentifier = (text: string): boolean => identifierPattern.test(text);

/** The name of an entity type: identifiers joined by `::`. */
export const isName = (text: string): boolean => namePattern.test(text);
