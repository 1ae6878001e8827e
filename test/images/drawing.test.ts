import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { emptyPng, failure, pixelAt, plain, studio } from './support.ts'

const TYPE = 'image/svg+xml'

const drawing = (content: string, before = '') =>
  Buffer.from(
    `${before}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ` +
      `xmlns:xi="http://www.w3.org/2001/XInclude" width="40" height="20">${content}</svg>`,
  )

const red = '<rect width="40" height="20" fill="#f00"/>'
const unreadable = failure('type_refused', { type: TYPE, because: 'unreadable' })

test('a drawing is rasterised, to a png unless asked otherwise', async (t) => {
  const images = await studio(t)
  const { variant, header, bytes } = await images.made(drawing(red), 'image/svg+xml; charset=utf-8', 'width=20')
  assert.equal(variant.contentType, 'image/png')
  assert.deepEqual([header.width, header.height], [20, 10])
  assert.deepEqual(await pixelAt(bytes, 10, 5), [255, 0, 0, 255])
  assert.equal((await images.made(drawing(red), TYPE, 'f=jpg')).variant.contentType, 'image/jpeg')
})

test('nothing that a drawing refers to is loaded', async (t) => {
  const images = await studio(t)
  const secret = join(images.dir, 'secret.png')
  writeFileSync(secret, await plain(40, 20, '#00f').png().toBuffer())
  writeFileSync(join(images.dir, 'secret.svg'), drawing('<rect id="r" width="40" height="20" fill="#00f"/>'))
  const file = pathToFileURL(secret).href
  for (const reference of [
    `<image width="40" height="20" href="${file}"/>`,
    `<image width="40" height="20" xlink:href="secret.png"/>`,
    `<image width="40" height="20" href="${secret}"/>`,
    `<filter id="f"><feImage href="${file}"/></filter><rect width="40" height="20" fill="none" filter="url(#f)"/>`,
    `<use href="secret.svg#r"/>`,
    `<xi:include href="secret.svg"/>`,
    `<style>@import url("${file}");</style>`,
  ]) {
    const { bytes } = await images.made(drawing(red + reference), TYPE, 'f=png')
    assert.deepEqual((await pixelAt(bytes, 20, 10)).slice(0, 3), [255, 0, 0], reference)
  }
})

test('a picture embedded in a drawing is shown', async (t) => {
  const inner = (await plain(4, 2, '#00f').png().toBuffer()).toString('base64').replace(/.{20}/g, '$&\n')
  const bytes = drawing(
    `<image width="40" height="20" preserveAspectRatio="none" href="data:image/png;base64,${inner}"/>`,
  )
  const made = await (await studio(t)).made(bytes, TYPE, 'f=png')
  assert.deepEqual((await pixelAt(made.bytes, 20, 10)).slice(0, 3), [0, 0, 255])
})

test('pictures embedded in a drawing count by their pixels, however they are spelled', async (t) => {
  const images = await studio(t)
  const inner = emptyPng(20_000, 20_000).toString('base64')
  const url = `data:image/png;base64,${inner}`
  for (const [spelling, name] of [
    [url, 'image'],
    [` ${url}`, 'svg:image'],
    [`&#100;ata:image/png;base64,${inner}`, 'image'],
    [`d&#x9;a&#10;ta:image/png;base64,${inner}`, 'image'],
    [`DATA:;base64,${inner}`, 'feImage'],
    [`data:image/png;base64,${encodeURIComponent(inner)}`, 'image'],
  ]) {
    const bytes = drawing(`<${name} xmlns:svg="http://www.w3.org/2000/svg" id='href="' xlink:href="${spelling}"/>`)
    const source = await images.store(bytes, TYPE)
    await assert.rejects(
      images.variant(source, 'width=10'),
      failure('too_large', { limit: 12_000_000 }),
      spelling?.slice(0, 20),
    )
  }
})

test('a drawing that cannot be looked through is refused', async (t) => {
  const images = await studio(t)
  const wide = Buffer.from(drawing(red).toString(), 'utf16le')
  for (const bytes of [
    gzipSync(drawing(red)),
    wide,
    Buffer.concat([Buffer.from([0xff, 0xfe]), wide]),
    drawing(red, '<?xml version="1.0" encoding="UTF-7"?>'),
    drawing(red, '<!DOCTYPE svg [<!ENTITY a "b">]>'),
    drawing(red, '<!DOCTYPE svg [<!ATTLIST image href CDATA "data:image/png;base64,AA">]>'),
    drawing('<image href="data:image/svg+xml;base64,PHN2Zy8+"/>'),
    drawing(`<image href="data:image/png;base64,${Buffer.from('no picture').toString('base64')}"/>`),
    drawing('<g/>'.repeat(20_001)),
    drawing('<rect'),
  ]) {
    const source = await images.store(bytes, TYPE)
    await assert.rejects(images.variant(source, 'width=10'), unreadable, bytes.subarray(0, 60).toString())
  }
})

test('a drawing of more than 2 MiB is too large', async (t) => {
  const images = await studio(t)
  const source = await images.store(drawing(`<!--${' '.repeat(2 ** 21)}-->`), TYPE)
  const expected = failure('too_large', { of: 'picture', limit: 2 ** 21, unit: 'bytes' })
  await assert.rejects(images.variant(source, 'width=10'), expected)
})

test('an ordinary drawing with a document type and a declared encoding is drawn', async (t) => {
  const doctype = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
  const bytes = drawing(
    red,
    `\ufeff<?xml version="1.0" encoding="utf-8" standalone="no"?>\n<!-- data: none -->${doctype}`,
  )
  assert.equal((await (await studio(t)).made(bytes, TYPE, 'width=10')).header.width, 10)
})
