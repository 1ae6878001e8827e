const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Text as markup shows it: for text, and for attributes in double quotes. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] as string)
}

/**
 * What mail programs make of it decides how it is written: some drop the style sheet, so what must not be lost (width,
 * button, the size of a code) stands in `style` attributes; some know `prefers-color-scheme`, and others turn colours
 * over by themselves, which the plain colours here bear. Only `!important` comes before a `style` attribute.
 */
export const styleSheet = `
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (prefers-color-scheme: dark) {
  body, .ground { background: #121514 !important; color: #e7ebe8 !important; }
  .card { background: #1b1f1d !important; border-color: #333a36 !important; }
  .button { background: #68c9a3 !important; color: #0c1f17 !important; }
  .brand, .link { color: #68c9a3 !important; }
  .code { background: #252a27 !important; color: #e7ebe8 !important; }
  .soft { color: #a4ada8 !important; }
}
@media (max-width: 480px) {
  .ground { padding: 16px 8px !important; }
  .card { padding: 20px 16px 4px !important; }
  .code { font-size: 30px !important; letter-spacing: 4px !important; text-indent: 4px !important; }
}
`

const font = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"

export const styles = {
  body: `margin:0;padding:0;background:#f5f4ef;color:#1c211e;font:16px/1.5 ${font};-webkit-text-size-adjust:100%`,
  ground: 'background:#f5f4ef;color:#1c211e;padding:32px 16px',
  column: 'max-width:600px;margin:0 auto',
  brand: 'margin:0 0 12px;color:#1d6b50;font-weight:700;font-size:18px',
  card: 'background:#ffffff;border:1px solid #dcdad0;border-radius:12px;padding:28px 28px 12px',
  heading: 'margin:0 0 16px;font-size:22px;line-height:1.25;font-weight:700',
  paragraph: 'margin:0 0 16px',
  action: 'margin:24px 0',
  button:
    'display:inline-block;background:#1d6b50;color:#ffffff;font-weight:600;text-decoration:none;' +
    'padding:12px 20px;border-radius:8px',
  code:
    'margin:24px 0;padding:14px 8px;background:#f0efe8;color:#1c211e;border-radius:8px;text-align:center;' +
    'font:700 34px/1.2 ui-monospace,Menlo,Consolas,monospace;letter-spacing:6px;text-indent:6px',
  soft: 'margin:0 0 16px;color:#58605b;font-size:14px',
  link: 'color:#1d6b50;overflow-wrap:anywhere;word-break:break-word',
  foot: 'margin:16px 0 0;color:#58605b;font-size:13px',
} as const
