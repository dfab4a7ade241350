// Somebody without an account reads how to receive an event: searches, opens a type, takes sample and code away.
import assert from 'node:assert/strict';
import { furnished, signIn } from '../people.mjs';

export default async function ({ stage, context, page, look, expecting }) {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: stage.url });
  const copied = () => page.evaluate(() => navigator.clipboard.readText());

  await page.goto('/reference');
  await page.getByRole('heading', { name: 'Event reference' }).waitFor();
  await look('event-types');

  const search = page.getByRole('searchbox', { name: 'Find an event type' });
  await search.pressSequentially('vuocher');
  await page.getByText('No event type matches “vuocher”').waitFor();
  assert.equal(await search.evaluate((input) => input === document.activeElement), true, 'typing goes on');
  await look('nothing-found');
  await page.getByRole('link', { name: 'voucher', exact: true }).click();
  await page.waitForURL(/q=voucher$/);
  await search.fill('pending_group_child');
  await page.getByText('1 by a field').waitFor();
  await page.waitForURL(/q=pending_group_child/);
  await look('found-by-a-field');
  await page.getByRole('link', { name: 'shopper.consent_intent' }).click();
  await page.waitForURL(/shopper\.consent_intent#field-pending_group_child/);
  await page.locator('tr:target').waitFor();

  await page.goto('/reference/redemption.succeeded#field-redemption.id');
  await page.locator('tr:target').waitFor();
  assert.equal(await page.locator('tr:target').isVisible(), true, 'a link to a field opens what is around it');
  await look('large-type');

  await page.goto('/reference/prize.assigned');
  await page.getByRole('button', { name: 'Copy the sample' }).click();
  await page.getByText('Copied').waitFor();
  assert.equal(JSON.parse(await copied()).player.fields.first_name, 'Noah');
  await page.getByText('Flat', { exact: true }).click();
  assert.equal(JSON.parse(await page.locator('#wire-flat').innerText()).prize.currency, 'GBP');
  assert.equal(await page.locator('#wire-envelope').isVisible(), false);
  await page.getByText('Copied').waitFor({ state: 'hidden' });
  await look('small-type');

  await page.getByText('Python', { exact: true }).click();
  await page.getByRole('button', { name: 'Copy verify.py' }).click();
  assert.match(await copied(), /hmac\.compare_digest/);
  await page.goto('/reference/verify');
  assert.equal(await page.getByRole('radio', { name: 'Python' }).isChecked(), true, 'the language is remembered');
  await page.getByRole('radio', { name: 'Python' }).press('ArrowRight');
  assert.equal(await page.locator('#code-php').isVisible(), true, 'the keyboard changes it');
  await look('verify');

  await page.goto('/reference/requests');
  await look('requests');
  await expecting(404, async () => {
    await page.goto('/reference/redemption.suceeded');
    await look('unknown-type');
  });
  await page.getByRole('link', { name: 'redemption.succeeded', exact: true }).click();
  await page.getByRole('heading', { name: 'redemption.succeeded' }).waitFor();

  // Somebody who is signed in keeps the menu.
  await furnished(stage);
  await signIn(page);
  await page.getByRole('link', { name: 'Event reference' }).click();
  await page.getByRole('heading', { name: 'Event reference' }).waitFor();
  await look('signed-in');
}
