import type { MappingFunction } from "../function.ts";
import { abs } from "./abs.ts";
import { addDays } from "./add-days.ts";
import { allItems } from "./all.ts";
import { and } from "./and.ts";
import { anyItem } from "./any.ts";
import { append } from "./append.ts";
import { average } from "./average.ts";
import { averageIf } from "./average-if.ts";
import { between } from "./between.ts";
import { boolean } from "./boolean.ts";
import { capitalize } from "./capitalize.ts";
import { ceiling } from "./ceiling.ts";
import { char } from "./char.ts";
import { choose } from "./choose.ts";
import { clamp } from "./clamp.ts";
import { clean } from "./clean.ts";
import { concat } from "./concat.ts";
import { contains } from "./contains.ts";
import { containsItem } from "./contains-item.ts";
import { count } from "./count.ts";
import { countA } from "./count-a.ts";
import { countIf } from "./count-if.ts";
import { date } from "./date.ts";
import { dateAdd } from "./date-add.ts";
import { datedif } from "./datedif.ts";
import { day } from "./day.ts";
import { days } from "./days.ts";
import { digits } from "./digits.ts";
import { drop } from "./drop.ts";
import { edate } from "./edate.ts";
import { encodeUrl } from "./encode-url.ts";
import { endsWith } from "./ends-with.ts";
import { eomonth } from "./eomonth.ts";
import { errorFunction } from "./error.ts";
import { exactText } from "./exact.ts";
import { filter } from "./filter.ts";
import { find } from "./find.ts";
import { findItem } from "./find-item.ts";
import { first } from "./first.ts";
import { flatten } from "./flatten.ts";
import { floor } from "./floor.ts";
import { formatDate } from "./format-date.ts";
import { fromUnix } from "./from-unix.ts";
import { get } from "./get.ts";
import { groupBy } from "./group-by.ts";
import { hour } from "./hour.ts";
import { iban } from "./iban.ts";
import { ifFunction } from "./if.ts";
import { ifEmpty } from "./if-empty.ts";
import { ifError } from "./if-error.ts";
import { ifs } from "./ifs.ts";
import { indexItem } from "./index-item.ts";
import { int } from "./int.ts";
import { integer } from "./integer.ts";
import { isBlank } from "./is-blank.ts";
import { isDate } from "./is-date.ts";
import { isEmail } from "./is-email.ts";
import { isError } from "./is-error.ts";
import { isEven } from "./is-even.ts";
import { isNumberFunction } from "./is-number.ts";
import { isText } from "./is-text.ts";
import { isoWeekNum } from "./iso-week-num.ts";
import { join } from "./join.ts";
import { keys } from "./keys.ts";
import { last } from "./last.ts";
import { left } from "./left.ts";
import { len } from "./len.ts";
import { list } from "./list.ts";
import { log } from "./log.ts";
import { lookup } from "./lookup.ts";
import { lower } from "./lower.ts";
import { map } from "./map.ts";
import { max } from "./max.ts";
import { median } from "./median.ts";
import { merge } from "./merge.ts";
import { mid } from "./mid.ts";
import { min } from "./min.ts";
import { minute } from "./minute.ts";
import { mod } from "./mod.ts";
import { month } from "./month.ts";
import { mround } from "./mround.ts";
import { negateNumber } from "./negate.ts";
import { networkDays } from "./network-days.ts";
import { not } from "./not.ts";
import { now } from "./now.ts";
import { number } from "./number.ts";
import { oneOf } from "./one-of.ts";
import { or } from "./or.ts";
import { padLeft } from "./pad-left.ts";
import { padRight } from "./pad-right.ts";
import { parseDate } from "./parse-date.ts";
import { parseJson } from "./parse-json.ts";
import { pick } from "./pick.ts";
import { powerOf } from "./power.ts";
import { prepend } from "./prepend.ts";
import { product } from "./product.ts";
import { quarter } from "./quarter.ts";
import { quotient } from "./quotient.ts";
import { reduce } from "./reduce.ts";
import { regexExtract } from "./regex-extract.ts";
import { regexMatch } from "./regex-match.ts";
import { regexReplace } from "./regex-replace.ts";
import { replace } from "./replace.ts";
import { rept } from "./rept.ts";
import { reverse } from "./reverse.ts";
import { right } from "./right.ts";
import { roundNumber } from "./round.ts";
import { roundDown } from "./round-down.ts";
import { roundUp } from "./round-up.ts";
import { search } from "./search.ts";
import { second } from "./second.ts";
import { sequence } from "./sequence.ts";
import { sign } from "./sign.ts";
import { slug } from "./slug.ts";
import { sort } from "./sort.ts";
import { sortBy } from "./sort-by.ts";
import { split } from "./split.ts";
import { sqrt } from "./sqrt.ts";
import { startsWith } from "./starts-with.ts";
import { substitute } from "./substitute.ts";
import { sum } from "./sum.ts";
import { sumIf } from "./sum-if.ts";
import { sumProduct } from "./sum-product.ts";
import { switchFunction } from "./switch.ts";
import { take } from "./take.ts";
import { text } from "./text.ts";
import { textAfter } from "./text-after.ts";
import { textBefore } from "./text-before.ts";
import { textJoin } from "./text-join.ts";
import { titleCase } from "./title-case.ts";
import { toDate } from "./to-date.ts";
import { toDateTime } from "./to-date-time.ts";
import { toE164 } from "./to-e164.ts";
import { toJsonText } from "./to-json.ts";
import { toTimeZone } from "./to-time-zone.ts";
import { today } from "./today.ts";
import { trim } from "./trim.ts";
import { truncate } from "./truncate.ts";
import { unaccent } from "./unaccent.ts";
import { unique } from "./unique.ts";
import { unixTime } from "./unix-time.ts";
import { upper } from "./upper.ts";
import { values } from "./values.ts";
import { vatId } from "./vat-id.ts";
import { weekday } from "./weekday.ts";
import { xlookup } from "./xlookup.ts";
import { xor } from "./xor.ts";
import { year } from "./year.ts";

/** The one list of functions formulas and chains can use, by the name of their files. */
export const functions: readonly MappingFunction[] = [
  abs,
  addDays,
  allItems,
  and,
  anyItem,
  append,
  average,
  between,
  boolean,
  capitalize,
  ceiling,
  char,
  clamp,
  clean,
  concat,
  containsItem,
  contains,
  countA,
  count,
  dateAdd,
  date,
  datedif,
  day,
  days,
  digits,
  drop,
  edate,
  encodeUrl,
  endsWith,
  eomonth,
  errorFunction,
  exactText,
  filter,
  findItem,
  find,
  first,
  flatten,
  floor,
  formatDate,
  fromUnix,
  get,
  groupBy,
  hour,
  iban,
  ifEmpty,
  ifError,
  ifFunction,
  ifs,
  indexItem,
  int,
  integer,
  isBlank,
  isDate,
  isEmail,
  isError,
  isEven,
  isNumberFunction,
  isText,
  isoWeekNum,
  join,
  keys,
  last,
  left,
  len,
  list,
  log,
  lookup,
  lower,
  map,
  max,
  median,
  merge,
  mid,
  min,
  minute,
  mod,
  month,
  mround,
  negateNumber,
  networkDays,
  not,
  now,
  number,
  oneOf,
  or,
  padLeft,
  padRight,
  parseDate,
  parseJson,
  pick,
  powerOf,
  prepend,
  product,
  quarter,
  quotient,
  reduce,
  regexExtract,
  regexMatch,
  regexReplace,
  replace,
  rept,
  reverse,
  right,
  roundDown,
  roundUp,
  roundNumber,
  search,
  second,
  sequence,
  sign,
  slug,
  sortBy,
  sort,
  split,
  sqrt,
  startsWith,
  substitute,
  sumProduct,
  sum,
  switchFunction,
  take,
  textAfter,
  textBefore,
  textJoin,
  text,
  titleCase,
  toDateTime,
  toDate,
  toE164,
  toJsonText,
  toTimeZone,
  today,
  trim,
  truncate,
  unaccent,
  unique,
  unixTime,
  upper,
  values,
  vatId,
  weekday,
  xor,
  averageIf,
  choose,
  countIf,
  sumIf,
  xlookup,
  year,
];

const byName = new Map<string, MappingFunction>();
for (const definition of functions) {
  for (const name of [definition.name, ...(definition.aliases ?? [])]) byName.set(name, definition);
}

/** Names are the same in capitals and small letters. */
export function findFunction(name: string): MappingFunction | undefined {
  return byName.get(name.toUpperCase());
}

/** Every name a formula may call, aliases and the special forms included. */
export function functionNames(): string[] {
  return [...byName.keys(), "LAMBDA", "LET"];
}
