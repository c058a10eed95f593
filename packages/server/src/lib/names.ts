/** A name as people compare it: a capital letter or another way to write an accent makes nobody another person. */
export const comparable = (name: string): string => name.normalize('NFKC').toLowerCase();
