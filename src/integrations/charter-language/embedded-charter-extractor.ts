import { Injectable } from '@nestjs/common';
import { takeAircraft } from './aircraft-mention';
import { takeBudget } from './budget-mention';
import {
  CharterExtractor,
  MAX_MESSAGE_CHARACTERS,
  type Extraction,
  type ExtractionContext,
} from './charter-extractor';
import type { CharterRequest } from './charter-request';
import { notesOf } from './client-notes';
import { takeContact } from './contact-mention';
import { takeFlexibleDays } from './date-flexibility';
import { takeDates } from './date-mentions';
import { assertReadable, MessageText, plainMessage } from './message-text';
import { missingFields } from './missing-fields';
import { takeLoosePassengers, takePassengers } from './passenger-count';
import { PlaceDirectory } from './place-directory';
import { takePlaces } from './place-mentions';
import { withKnownWords } from './spelling';
import { takeHours, takePartsOfDay } from './time-mentions';
import { tripOf } from './trip-legs';

/** Reads English requests by rules, chrono for dates and the directory for places; the same text gives the same answer. */
@Injectable()
export class EmbeddedCharterExtractor extends CharterExtractor {
  constructor(private readonly directory: PlaceDirectory) {
    super();
  }

  async extract(message: string, context: ExtractionContext, signal: AbortSignal): Promise<Extraction> {
    signal.throwIfAborted();
    assertReadable(message);
    const text = new MessageText(withKnownWords(plainMessage(message).slice(0, MAX_MESSAGE_CHARACTERS)));
    const contact = takeContact(text);
    const budget = takeBudget(text);
    const aircraft = takeAircraft(text);
    // In this order: "19 June, 10 passengers" holds no year, "12 Mar 1600" neither.
    const counted = takePassengers(text);
    const flexibleDays = takeFlexibleDays(text);
    const hours = takeHours(text);
    const dates = takeDates(text, context);
    const times = [...hours, ...takePartsOfDay(text)].sort((one, other) => one.span.start - other.span.start);
    const passengers =
      counted.unclear === undefined ? (counted.passengers ?? takeLoosePassengers(text)) : null;
    const places = takePlaces(text, this.directory);
    const trip = tripOf(text, { places, dates, times, flexibleDays });
    const notes = [...notesOf(text.whole), ...trip.assumptions];
    if (budget?.assumedCurrency === true)
      notes.push('The budget names no currency and is read as US dollars');
    if (aircraft.length > 1) notes.push(`Aircraft named: ${aircraft.join(', ')}`);
    const request: CharterRequest = {
      tripType: trip.tripType,
      legs: trip.legs,
      passengers,
      budget: budget?.budget ?? null,
      aircraftClass: aircraft.length === 1 ? aircraft[0]! : null,
      clientEmail: contact.email,
      clientName: contact.name,
      notes,
    };
    return { request, missing: missingFields(request, counted.unclear), provider: 'embedded', usage: null };
  }
}
