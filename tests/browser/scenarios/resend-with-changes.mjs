// An amount was posted wrongly: support corrects it, gives a reason, sends it, and finds both marked.
import assert from 'node:assert/strict';
import { event, furnished, settled, signIn, webhook } from '../people.mjs';

export default async function ({ stage, page, look, expecting }) {
  const { project, token } = await furnished(stage);
  await webhook(stage, token, 'Loyalty app', '/loyalty');
  await webhook(stage, token, 'Data lake', '/lake', { events: ['voucher.created'], body: 'flat' });
  await webhook(stage, token, 'Desk', '/desk', { events: ['voucher.created'], active: false });
  await event(stage, token, 'customer.rewarded', { amount: 49.9, customer: { id: 'cust_1', email: 'ada@example.com' } });
  const [original] = await settled(stage, token);

  await signIn(page);
  await page.goto(`/p/${project}/history/${original.id}`);
  await look('delivery');
  await page.getByRole('link', { name: 'Resend with changes…' }).click();
  await page.getByLabel('Data', { exact: true }).waitFor();
  await look('form');

  // What differs is told while it is typed; what is wrong, with its place.
  const data = page.getByLabel('Data', { exact: true });
  const typed = await data.inputValue();
  await data.fill(typed.replace('49.9', '44.9').replace('"id"', '"ident"'));
  await page.getByRole('cell', { name: '44.9' }).waitFor();
  await look('differences');
  await data.fill(typed.replace('49.9', 'x'));
  await page.getByText(/Line 2, column 13/).waitFor();
  await expecting(422, async () => {
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.locator('#reason-error').waitFor();
    await look('refused');
  });
  await data.fill(typed.replace('49.9', '44.9'));
  await page.getByLabel('Reason').fill('The amount was posted without its discount.');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.getByText('Edited copy of').waitFor();
  await settled(stage, token);
  await page.goto(page.url());
  await look('copy');
  await page.locator('#again-from a').click();
  await page.getByText('Sent again with edited data as').waitFor();
  await look('original');

  // The same to another webhook.
  await page.getByRole('link', { name: 'Resend with changes…' }).click();
  await page.getByLabel('Send it to').selectOption({ label: 'Data lake (flat body)' });
  await page.getByLabel('Reason').fill('The lake was added later.');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.getByText('The same data as').waitFor();
  await page.goto(`/p/${project}/history`);
  await page.getByText('Edited', { exact: true }).waitFor();
  await look('history');
  const received = await stage.received(3);
  assert.equal(received.length, 3);
  const amounts = received.map(({ body }) => (typeof body === 'string' ? JSON.parse(body) : body)).map((body) => (body.data ?? body).amount);
  assert.deepEqual(amounts.sort((one, other) => one - other), [44.9, 49.9, 49.9]);
}
