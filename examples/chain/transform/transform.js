'use strict';

// Second of the chain: daily weather records in, one line a month out, over all years of the records.
//
// A plain function again: the response of `extract` is JSON, so `records` is an array. The result is text, in columns
// separated by tabs: month (1 to 12), rain in a mean year (mm), days with rain in a mean year, mean of the daily highs (°C).

exports.transform = (records) => {
  const years = new Set(records.map(({ date }) => date.slice(0, 4))).size;
  const months = Array.from({ length: 12 }, () => ({ rain: 0, wetDays: 0, high: 0, days: 0 }));

  for (const { date, precipitation, temp_max: high } of records) {
    const month = months[Number(date.slice(5, 7)) - 1];
    month.rain += precipitation;
    month.wetDays += precipitation > 0 ? 1 : 0;
    month.high += high;
    month.days += 1;
  }

  console.log(`${records.length} days of ${years} years`);
  return months
    .map(({ rain, wetDays, high, days }, index) => [
      index + 1,
      (rain / years).toFixed(1),
      (wetDays / years).toFixed(1),
      (high / Math.max(days, 1)).toFixed(1),
    ])
    .map((columns) => `${columns.join('\t')}\n`)
    .join('');
};
