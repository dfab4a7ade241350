// Watches a scenario's pages: what the browser complains about, what axe finds, what it looks like.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const STANDARDS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'];
const WIDE = { width: 1440, height: 900 };
const NARROW = { width: 390, height: 844 };

export class Watcher {
  /** Everything that a page should not have done. */
  problems = [];
  #context;
  #stage;
  #folder;
  #page;
  #number = 0;
  /** Pages by the shape of their path, and whether they were looked at. */
  #visited = new Map();
  #expected = new Set();

  constructor(context, stage, folder) {
    this.#context = context;
    this.#stage = stage;
    this.#folder = folder;
  }

  /** A page under watch. */
  open = async () => {
    const page = await this.#context.newPage();
    this.#page ??= page;
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        console.error(`CSP: ${event.violatedDirective} forbids ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
      });
    });
    page.on('console', (message) => {
      if (message.type() !== 'error') return;
      // An answer of 4xx is judged below, where its status and kind are known.
      if (message.text().startsWith('Failed to load resource')) return;
      this.#problem(page, `console: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.#problem(page, `script: ${error.message}`));
    page.on('request', (request) => {
      const url = new URL(request.url());
      const isOurs = [this.#stage.url, this.#stage.receiverUrl].includes(url.origin);
      if (!isOurs && !['data:', 'blob:', 'about:'].includes(url.protocol)) {
        this.#problem(page, `asks a stranger: ${url}`);
      }
    });
    page.on('response', (response) => this.#judge(page, response));
    return page;
  };

  /** While `steps` run, answers of these statuses are what should happen. */
  expecting = async (statuses, steps) => {
    for (const status of [statuses].flat()) this.#expected.add(status);
    try {
      return await steps();
    } finally {
      this.#expected.clear();
    }
  };

  /** Photographs the page at two widths in two themes, and lets axe read it in both themes. */
  look = async (name, page = this.#page) => {
    this.#visited.set(shapeOf(page.url()), { url: page.url(), isLookedAt: true });
    await this.photograph(name, page, async (theme, viewport) => {
      if (viewport === NARROW) {
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        if (overflow > 1) this.#problem(page, `${name}: ${overflow} px wider than a screen of ${NARROW.width}`);
      }
      if (viewport === WIDE || theme === 'light') await this.#scan(page, `${name}, ${theme}, ${viewport.width} px`);
    });
  };

  /** The same without reading it. */
  photograph = async (name, page = this.#page, each = async () => {}) => {
    this.#number += 1;
    const number = String(this.#number).padStart(2, '0');
    for (const theme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      for (const viewport of [NARROW, WIDE]) {
        await page.setViewportSize(viewport);
        await page.screenshot({
          path: join(this.#folder, `${number}-${name}-${viewport.width}-${theme}.png`),
          fullPage: true,
          animations: 'disabled',
        });
        await each(theme, viewport);
      }
    }
    await page.emulateMedia({ colorScheme: 'light' });
  };

  /** Looks at every page that the scenario came by without looking. */
  lookAtTheRest = async () => {
    for (const { url, isLookedAt } of [...this.#visited.values()]) {
      if (isLookedAt) continue;
      const answer = await this.#page.goto(url);
      // A page that went away by what was done later (a set-up link) has been replaced by where it leads.
      if (answer?.ok() && shapeOf(this.#page.url()) === shapeOf(url)) {
        await this.look(shapeOf(url).replace(/[^a-z0-9]+/gi, '-').replace(/^-|-$/g, '') || 'start');
      }
    }
  };

  #judge(page, response) {
    const request = response.request();
    const status = response.status();
    if (status >= 400 && !this.#expected.has(status)) {
      this.#problem(page, `${status} for ${request.method()} ${response.url()}`);
    }
    const isPage = request.isNavigationRequest() && request.frame() === page.mainFrame() && request.method() === 'GET';
    const isHtml = (response.headers()['content-type'] ?? '').startsWith('text/html');
    if (isPage && isHtml && status === 200 && !this.#visited.has(shapeOf(response.url()))) {
      this.#visited.set(shapeOf(response.url()), { url: response.url(), isLookedAt: false });
    }
  }

  async #scan(page, where) {
    await page.evaluate(axeSource);
    const violations = await page.evaluate(async (standards) => {
      const result = await window.axe.run(document, { runOnly: { type: 'tag', values: standards } });
      return result.violations.map(({ id, help, nodes }) => ({
        id, help, nodes: nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)}\n    ${node.failureSummary ?? ''}`),
      }));
    }, STANDARDS);
    for (const { id, help, nodes } of violations) {
      this.#problem(page, `accessibility (${where}): ${id}: ${help}\n  ${nodes.join('\n  ')}`);
    }
  }

  #problem(page, text) {
    const path = page.url().replace(this.#stage.url, '');
    const problem = `${path}: ${text}`;
    if (!this.problems.includes(problem)) this.problems.push(problem);
  }
}

/** A page's path with its ids made alike, so that each kind of page is looked at once. */
function shapeOf(url) {
  return new URL(url).pathname.replaceAll(/[a-z]+[_-][0-9a-f]{32}/g, 'ID').replace(/^\/setup\/.+/, '/setup');
}
