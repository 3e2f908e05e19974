// Runs one CloudFront function: first line {"code"}, then one line an event; each gets one line back.
// CloudFront's runtime 2.0 as far as a sandbox of node gives it: no require, no network, no timers, no clock to wait for.
'use strict';
const vm = require('vm');
const readline = require('readline');

const lines = readline.createInterface({ input: process.stdin, crlfDelay: Infinity });
let handler = null;

function say(value) {
  process.stdout.write(JSON.stringify(value) + '\n');
}

function load(code) {
  if (/^\s*import\s.*from\s+['"]cloudfront['"]/m.test(code)) {
    throw new Error('the lab has no key value stores: take `import cf from "cloudfront"` out of the function');
  }
  const logged = { log: () => undefined, error: () => undefined };
  const sandbox = vm.createContext({ console: logged }, { codeGeneration: { strings: false, wasm: false } });
  new vm.Script(code, { filename: 'function.js' }).runInContext(sandbox, { timeout: 1000 });
  const found = vm.runInContext('typeof handler === "function" ? handler : null', sandbox);
  if (found === null) {
    throw new Error('the function has no `function handler(event)`');
  }
  return found;
}

lines.on('line', (line) => {
  const message = JSON.parse(line);
  try {
    if (handler === null) {
      handler = load(message.code);
      say({ ok: true });
      return;
    }
    Promise.resolve(handler(message.event)).then(
      (result) => say({ ok: true, result: result === undefined ? null : result }),
      (error) => say({ ok: false, error: String(error) }),
    );
  } catch (error) {
    say({ ok: false, error: String(error) });
  }
});
