// An event type of the project's own: a mistake in its sample, its page, its check box, its test, its end.
import assert from 'node:assert/strict';
import { furnished, signIn } from '../people.mjs';

const NAME = 'custom.parcel.shipped';
const SCHEMA = '{"properties":{"parcel":{"type":"string","description":"Its number."},"weight_g":{"type":"integer"}}}';

export default async function ({ stage, page, look, expecting }) {
  const { project, token } = await furnished(stage);
  await signIn(page);
  await page.goto(`/p/${project}/overview`);
  await page.getByRole('link', { name: 'Event types', exact: true }).click();
  await look('no-own-types');
  await page.getByRole('link', { name: 'Add event type' }).click();
  const name = page.getByLabel('Name', { exact: true });
  assert.equal(await name.inputValue(), 'custom.');
  await name.fill('parcel');
  await page.getByLabel('Description').fill('A parcel left the warehouse.');
  await page.getByLabel('Sample').fill('{\n  parcel: 1\n}');
  await expecting(422, async () => {
    await page.getByRole('button', { name: 'Add event type' }).click();
    await page.getByText('Line 2, column 3').waitFor();
  });
  await look('own-type-refused');
  await name.fill(NAME);
  await page.getByLabel('Sample').fill('{\n  "parcel": "P-1001",\n  "weight_g": 850\n}');
  await page.getByLabel('Schema').fill(SCHEMA);
  await page.getByRole('button', { name: 'Add event type' }).click();
  await page.getByRole('heading', { name: NAME }).waitFor();
  await look('own-type');

  await page.goto(`/p/${project}/settings/webhooks/new`);
  await page.getByLabel('Target URL').fill(`${stage.receiverUrl}/parcels`);
  await page.getByText('Own types of this project').click();
  await page.getByRole('checkbox', { name: NAME }).check();
  await look('own-type-among-the-check-boxes');
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await page.locator('#secret').waitFor();
  const posted = await stage.api(token, 'POST', '/v1/events', { type: NAME, data: { parcel: 'P-7' } });
  assert.deepEqual([posted.status, posted.body.deliveries], [202, 1]);

  await page.goto(`/p/${project}/settings/event-types`);
  await look('own-types');
  await page.getByRole('link', { name: NAME }).click();
  await page.getByRole('link', { name: 'Edit', exact: true }).click();
  await page.getByLabel('Description').fill('A parcel was handed over.');
  await look('own-type-edited');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  await page.getByRole('link', { name: 'Delete…' }).click();
  await page.getByText('it gets no more events').waitFor();
  await look('own-type-before-it-is-deleted');
  await page.getByRole('button', { name: 'Delete event type' }).click();
  await page.getByRole('heading', { name: 'No event types of your own yet' }).waitFor();
}
