// Support downloads what a filter matches and sees how far that came.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { event, furnished, settled, signIn, webhook } from '../people.mjs';

export default async function ({ stage, page, look }) {
  const { project, token } = await furnished(stage);
  await webhook(stage, token, 'Loyalty app', '/loyalty?status=500', { retries: 'none' });
  await webhook(stage, token, 'Data lake', '/lake');
  for (let n = 0; n < 6; n += 1) await event(stage, token, 'customer.rewarded', { n });
  await settled(stage, token);

  await signIn(page);
  await page.goto(`/p/${project}/history?status=failed`);
  await page.getByRole('link', { name: 'Export…' }).click();
  await page.getByText('6 deliveries match.').waitFor();
  await look('export');
  await page.getByText('Columns of the CSV file').first().click();
  await page.getByText('More for each line of NDJSON').first().click();
  await look('export-choices');
  const waiting = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download' }).click();
  const download = await waiting;
  assert.match(download.suggestedFilename(), /^deliveries-shop-\d{4}-\d\d-\d\d-failed\.csv$/);
  const lines = readFileSync(await download.path(), 'utf8').trimEnd().split('\r\n');
  assert.equal(lines.length, 7);
  assert.match(lines[0], /^id,status,/);
  await page.getByText('6 of 6 written, newest to oldest.').waitFor();
  await look('export-done');
  await page.goto(`/p/${project}/history/export?status=held`);
  await look('export-nothing');
}
