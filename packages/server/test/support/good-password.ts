/** Of every person in the tests. */
export const goodPassword = 'four words are enough'
