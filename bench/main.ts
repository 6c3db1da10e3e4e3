// SPDX-License-Identifier: Apache-2.0
// npm run bench -- SUITE [arguments]. A suite is a file that exports run(args), which returns an exit code.

interface Suite { readonly run: (args: readonly string[]) => Promise<number> | number }

const suites: Readonly<Record<string, () => Promise<Suite>>> = {
  'stereo-gt': () => import('./accuracy/stereo-gt.js'),
  'sub-pixel': () => import('./accuracy/sub-pixel.js'),
  'synthetic': () => import('./accuracy/synthetic.js'),
  'real-pairs': () => import('./accuracy/real-pairs.js'),
};

const [name = '', ...args] = process.argv.slice(2);
const load = suites[name];
if (load === undefined) {
  process.stderr.write(`${name === '' ? 'No suite given' : `No suite '${name}'`}. Usage: npm run bench -- SUITE [--json]. Suites:
  stereo-gt    the matcher against a rectified pair with true disparities
  sub-pixel    bias of the matcher between whole pixels
  synthetic    whole runs on synthetic scenes against their exact truth
  real-pairs   whole runs on the real pairs against other programs' DSMs
`);
  process.exitCode = 2;
} else {
  process.exitCode = await (await load()).run(args);
}
