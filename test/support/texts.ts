import fc from 'fast-check'

/** Text of every kind: well-formed or not, with separators and control characters often among it. */
export const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        'a',
        '.',
        '..',
        '/',
        '\\',
        ' ',
        '\0',
        '\n',
        '\u007f',
        '\u0085',
        '😀',
        'é',
        'é',
        '\ud800',
        '€'.repeat(90),
      ),
    )
    .map((parts) => parts.join('')),
)
