// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Command, InvalidArgumentError, Option } from 'commander';
import { addBusOptions } from './bus-options.js';
import { addStoreOption } from './store-option.js';

/**
 * Adds `--config FILE` (ALTIPLANO_CONFIG) to a command: YAML or JSON whose keys are the long names of the command's options. A flag wins over
 * the environment, that over the file, and the file over the default. One file may serve all commands: where bus and store are may be in it also for
 * those that have no use for one of them. What the file says wrong ends in commander's error, as bad usage.
 */
export function addConfigOption(command: Command): Command {
  command.addOption(new Option('--config <file>', "YAML or JSON file whose keys are these options' names, as in 'store: s3://bucket/prefix'; flags and variables win over it")
    .env('ALTIPLANO_CONFIG'));
  // Heard before the options' presence is checked; commander lets flags and variables replace what is set as 'config'.
  for (const event of ['option:config', 'optionEnv:config']) command.on(event, (file: string) => { takeFile(command, file); });
  return command;
}

function takeFile(command: Command, file: string): void {
  const refuse = (message: string): never => command.error(`error: config file ${file}: ${message}`);
  let content: unknown;
  try {
    content = parseYaml(readFileSync(file, 'utf8'));
  } catch (error) {
    return refuse(error instanceof Error ? (error.message.split('\n')[0] ?? '').replace(/:$/, '') : String(error));
  }
  if (content === null || content === undefined) return;
  if (typeof content !== 'object' || Array.isArray(content)) refuse("expected a map of options, such as 'store: s3://bucket/prefix'");
  const known = command.options.filter((option) => option.long !== undefined && !['config', 'version'].includes(option.name()));
  for (const [key, value] of Object.entries(content)) {
    const option = known.find((candidate) => candidate.name() === key);
    if (option === undefined && sharedKeys().includes(key)) continue;
    if (option === undefined) return refuse(`unknown key '${key}'; known are ${known.map((candidate) => candidate.name()).join(', ')}`);
    try {
      const parsed = parsedValue(option, value);
      const name = option.attributeName();
      if (!['cli', 'env'].includes(command.getOptionValueSource(name) ?? '')) command.setOptionValueWithSource(name, parsed, 'config');
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      refuse(`key '${key}': ${error.message}`);
    }
  }
}

/** The keys of bus and store. */
const sharedKeys = (): string[] => addStoreOption(addBusOptions(new Command())).options.map((option) => option.name());

function parsedValue(option: Option, value: unknown): unknown {
  if (option.isBoolean()) {
    if (typeof value !== 'boolean') throw new InvalidArgumentError('Expected true or false.');
    return option.negate ? !value : value;
  }
  const parts: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (parts.length === 0 || !parts.every((part) => ['string', 'number', 'boolean'].includes(typeof part))) {
    throw new InvalidArgumentError('Expected a text, a number or a list of them.');
  }
  const text = parts.map(String).join(',');
  return option.parseArg === undefined ? text : option.parseArg(text, option.defaultValue);
}

/** The parser is loaded where there is a file: it is a third of the command line's own start. */
function parseYaml(text: string): unknown {
  const yaml: typeof import('yaml') = createRequire(import.meta.url)('yaml');
  return yaml.parse(text, { prettyErrors: true });
}
