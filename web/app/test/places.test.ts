/** Places in texts: what is read of an address, and what is none. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cardOfPlace, isPlaceAddress, placeAt, placeIn } from "../src/composer/places.js";

const LOCK = { north: 52.15, east: 13.9, name: "" };

test("a place is read of the addresses of maps, of geo: and of coordinates", () => {
  const texts = [
    "52.15, 13.9",
    " 52.150001,13.899999\n",
    "52°9′0″ N 13°54′0″ E",
    `52°09'00"N, 13°54'00"E`,
    "52.15° N, 13.9° E",
    "geo:52.15,13.9",
    "geo:52.15,13.9,38;crs=wgs84;u=35",
    "geo:0,0?q=52.15,13.9",
    "https://www.openstreetmap.org/?mlat=52.15&mlon=13.9#map=5/1/2",
    "https://www.openstreetmap.org/#map=16/52.15/13.9",
    "https://www.google.com/maps/@52.15,13.9,15z",
    "https://maps.google.co.uk/?q=52.15,13.9",
    "https://www.google.de/maps/search/?api=1&query=52.15%2C13.9",
    "https://maps.apple.com/?ll=52.15,13.9",
  ];
  for (const text of texts) assert.deepEqual(placeIn(text), LOCK, text);
});

test("the pin of a map is told before the middle of its view, with its name", () => {
  const address = "https://www.google.com/maps/place/The+old+lock/@52.1,13.8,17z/data=!3m1!4b1!4m6!3d52.15!4d13.9";
  assert.deepEqual(placeIn(address), { ...LOCK, name: "The old lock" });
  assert.deepEqual(placeIn("https://maps.apple.com/?q=%E8%80%81%E9%97%B8&ll=52.15,13.9"), { ...LOCK, name: "老闸" });
  assert.deepEqual(placeIn("geo:52.15,13.9?q=52.15,13.9(The old lock)"), { ...LOCK, name: "The old lock" });
});

test("what lies south and west is negative", () => {
  for (const text of ["-33.75, -70.5", `33°45'0"S 70°30'0"W`, "geo:-33.75,-70.5"]) {
    assert.deepEqual(placeIn(text), { north: -33.75, east: -70.5, name: "" }, text);
  }
});

test("where no place stands, or another one may be meant, nothing is read", () => {
  const texts = [
    "",
    "Sunday, 9 o'clock",
    "91, 13.9",
    "52.15, 181",
    "geo:52.15",
    "geo:470000,5780000;crs=utm33",
    "13°54′0″ E 52°9′0″ N",
    "https://maps.app.goo.gl/abcdef",
    "https://routes.example/?q=52.15,13.9",
    "https://google.com.example/maps/@52.15,13.9,15z",
    // Shifted on purpose.
    "https://www.google.cn/maps/@39.9,116.4,15z",
    "https://uri.amap.com/marker?position=116.4,39.9",
    "https://www.openstreetmap.org/?mlat=52.15",
    `52.15, 13.9${" ".repeat(10)}and more`,
  ];
  for (const text of texts) assert.equal(placeIn(text), undefined, text);
});

test("an address is offered as a place, numbers are not", () => {
  assert.ok(isPlaceAddress("geo:52.15,13.9"));
  assert.ok(!isPlaceAddress("52.15, 13.9"));
  assert.ok(!isPlaceAddress("at geo:52.15,13.9"));
});

test("a card has whole parts of a degree, and a title only if there is one", () => {
  const place = placeAt(52.1500012, 13.8999998)!;
  assert.deepEqual(cardOfPlace(place, " "), { type: "place", lat: 521500000, lon: 139000000 });
  assert.equal([...cardOfPlace(place, "闸".repeat(300)).title!].length, 256);
});
