type Schema = Readonly<Record<string, unknown>>

/** A JSON schema as people read it: names and types, one a line, with what is named written out. */
export function shapeOf(schema: Schema, components: Schema, indent = ''): string {
  const { $ref, type, nullable, description, items, properties } = schema
  const orNull = nullable === true ? ' or null' : ''
  const note = typeof description === 'string' ? `  // ${description}` : ''
  if (typeof $ref === 'string') return shapeOf(named($ref, components), components, indent)
  if (type === 'array') return `[${shapeOf(items as Schema, components, indent)}, …]${orNull}`
  if (properties) return `${objectOf(schema, components, indent)}${orNull}`
  return `${typeInWords(schema)}${orNull}${note}`
}

function objectOf({ properties, required = [] }: Schema, components: Schema, indent: string): string {
  const inner = `${indent}  `
  const lines = Object.entries(properties as Record<string, Schema>).map(([name, one]) => {
    const mark = (required as string[]).includes(name) ? '' : '?'
    return `${inner}"${name}"${mark}: ${shapeOf(one, components, inner)}`
  })
  return `{\n${lines.join('\n')}\n${indent}}`
}

function typeInWords({ type = 'anything', format, enum: only }: Schema): string {
  if (Array.isArray(only)) return only.map((one) => JSON.stringify(one)).join(' or ')
  return typeof format === 'string' ? `${type} (${format})` : String(type)
}

function named(ref: string, components: Schema): Schema {
  return (components.schemas as Record<string, Schema>)[ref.split('/').at(-1) ?? ''] ?? {}
}
